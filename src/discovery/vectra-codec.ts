import { Buffer } from "node:buffer";
import type { IndexCodec } from "vectra";
import { decodeUtf8 } from "../base/json.ts";
import { fields, type ProtoField, ProtoWriter } from "./protobuf.ts";

type IndexData = ReturnType<IndexCodec["deserializeIndex"]>;
type Item = IndexData["items"][number];
type MetadataValue = string | number | boolean;

/**
 * vectra's binary file format (its `index.proto`), read and written with vectors as blocks of bytes. vectra's own
 * protobuf codec reads what this writes and the other way round; this one opens an index without importing vectra,
 * and takes the vectors as `Float32Array` instead of a list of numbers, ten times faster.
 */
export const vectraCodec: IndexCodec = {
  extension: ".pb",
  serializeIndex: encodeIndex,
  deserializeIndex: decodeIndex,
  serializeMetadata: (metadata) => Buffer.from(JSON.stringify(metadata)),
  deserializeMetadata: (bytes) => JSON.parse(bytes.toString()) as Record<string, MetadataValue>,
  serializeCatalog: (catalog) => Buffer.from(JSON.stringify(catalog)),
  deserializeCatalog: (bytes) => JSON.parse(bytes.toString()) as ReturnType<IndexCodec["deserializeCatalog"]>,
};

function encodeIndex(data: IndexData): Buffer {
  const writer = new ProtoWriter().varint(1, data.version);
  const config = new ProtoWriter();
  for (const key of data.metadata_config.indexed ?? []) config.text(1, key);
  writer.message(2, config);
  for (const item of data.items) writer.message(3, encodeItem(item));
  return writer.finish();
}

function encodeItem(item: Item): ProtoWriter {
  const writer = new ProtoWriter().text(1, item.id);
  for (const [key, value] of Object.entries(item.metadata)) {
    const holder = new ProtoWriter();
    if (typeof value === "string") holder.text(1, value);
    else if (typeof value === "number") holder.double(2, value);
    else holder.varint(3, value ? 1 : 0);
    writer.message(2, new ProtoWriter().text(1, key).message(2, holder));
  }
  const vector = new Float32Array(item.vector);
  writer.bytes(3, new Uint8Array(vector.buffer)).double(4, item.norm);
  return item.metadataFile === undefined ? writer : writer.text(5, item.metadataFile);
}

function decodeIndex(bytes: Uint8Array): IndexData {
  let version = 0;
  const indexed: string[] = [];
  const items: Item[] = [];
  for (const field of fields(bytes)) {
    if (field.number === 1) version = field.value;
    else if (field.number === 2) indexed.push(...[...fields(field.bytes)].map(text));
    else if (field.number === 3) items.push(decodeItem(field.bytes));
  }
  return { version, metadata_config: { indexed }, items };
}

function decodeItem(bytes: Uint8Array): Item {
  let id = "", norm = 0;
  let vector = new Float32Array(0);
  let metadataFile: string | undefined;
  const metadata: Record<string, MetadataValue> = {};
  for (const field of fields(bytes)) {
    if (field.number === 1) id = text(field);
    else if (field.number === 2) Object.assign(metadata, Object.fromEntries([decodeEntry(field.bytes)]));
    else if (field.number === 3) vector = floats(field.bytes);
    else if (field.number === 4) norm = field.value;
    else if (field.number === 5) metadataFile = text(field);
  }
  // vectra declares lists of numbers; it only counts, multiplies and hands on, which a Float32Array serves as well.
  const item: Item = { id, metadata, vector: vector as unknown as number[], norm };
  return metadataFile === undefined ? item : { ...item, metadataFile };
}

function decodeEntry(bytes: Uint8Array): [string, MetadataValue] {
  let key = "";
  let value: MetadataValue = "";
  for (const field of fields(bytes)) {
    if (field.number === 1) key = text(field);
    if (field.number !== 2) continue;
    for (const inner of fields(field.bytes)) {
      value = inner.number === 1 ? text(inner) : inner.number === 2 ? inner.value : inner.value !== 0;
    }
  }
  return [key, value];
}

function text(field: ProtoField): string {
  return decodeUtf8(field.bytes, "The index");
}

/** Copied, because the bytes need not lie on a multiple of four. */
function floats(bytes: Uint8Array): Float32Array<ArrayBuffer> {
  if (bytes.byteLength % 4 !== 0) throw new RangeError("A vector ends in the middle of a number");
  return new Float32Array(new Uint8Array(bytes).buffer);
}
