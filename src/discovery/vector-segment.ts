import { Buffer } from "node:buffer";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { IndexItem } from "vectra";
import { sha256 } from "../base/digest.ts";
import { StagedFileStorage } from "./staged-file-storage.ts";
import type { StoredVector, VectorSpace } from "./vector-store.ts";
import { vectraCodec } from "./vectra-codec.ts";

const MAX_BYTES = 2 ** 30;

/** One file of a vectra index as it was read. */
export interface Segment {
  readonly name: string;
  /** Changes whenever the file is replaced. */
  readonly stamp: string;
  /** Which space the vectors belong to. */
  readonly space: string;
  /** What is intact, by id. */
  readonly vectors: ReadonlyMap<string, Float32Array>;
  /** Items that are damaged or of another space, and why the file could not be read at all. */
  readonly lost: number;
  readonly broken?: string;
}

/** What tells whether a file was replaced; undefined when there is no such file. */
export async function segmentStamp(folder: string, name: string): Promise<string | undefined> {
  const found = await stat(join(folder, name), { bigint: true }).catch(() => undefined);
  return found && `${found.ino}:${found.mtimeNs}:${found.size}`;
}

/** Reads a segment; undefined when it has gone. What is not intact is counted, never given. Doesn't import vectra. */
export async function readSegment(
  folder: string,
  name: string,
  stamp: string,
  space: VectorSpace,
): Promise<Segment | undefined> {
  const vectors = new Map<string, Float32Array>();
  const base = { name, stamp, space: space.id, vectors };
  try {
    const path = join(folder, name);
    if ((await stat(path)).size > MAX_BYTES) return { ...base, lost: 0, broken: "it is too large" };
    const { items } = vectraCodec.deserializeIndex(await readFile(path));
    for (const item of items) {
      const vector = intactVector(space, item);
      if (vector !== undefined) vectors.set(item.id, vector);
    }
    return { ...base, lost: items.length - vectors.size };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    return { ...base, lost: 0, broken: (error as Error).message };
  }
}

/** Writes a vectra `LocalIndex` of these vectors as one file, which appears whole or not at all. */
export async function writeSegment(
  folder: string,
  name: string,
  space: VectorSpace,
  vectors: readonly StoredVector[],
): Promise<Segment> {
  const { LocalIndex } = await import("vectra");
  const storage = new StagedFileStorage();
  await storage.createFolder(folder);
  const nothing = vectraCodec.serializeIndex({ version: 1, metadata_config: {}, items: [] });
  await storage.upsertFile(`${folder}/${name}`, Buffer.from(nothing));
  const index = new LocalIndex(folder, name, storage, vectraCodec);
  await index.batchInsertItems(vectors.map((each) => itemOf(space, each)));
  await storage.commit();
  return {
    name,
    stamp: await segmentStamp(folder, name) ?? "",
    space: space.id,
    vectors: new Map(vectors.map(({ id, vector }) => [id, vector])),
    lost: 0,
  };
}

function itemOf(space: VectorSpace, { id, document, kind, vector }: StoredVector): IndexItem {
  const checksum = checksumOf(space, id, vector);
  // vectra declares lists of numbers; it only counts, multiplies and hands on, which a Float32Array serves as well.
  return { id, metadata: { document, kind, checksum }, vector: vector as unknown as number[], norm: 1 };
}

function intactVector(space: VectorSpace, item: IndexItem): Float32Array | undefined {
  // The codec made a Float32Array; a list of numbers would be what vectra declares.
  const vector = item.vector as unknown as Float32Array;
  if (vector.length !== space.dimensions) return undefined;
  return item.metadata["checksum"] === checksumOf(space, item.id, vector) ? vector : undefined;
}

function checksumOf(space: VectorSpace, id: string, vector: Float32Array): string {
  const bytes = new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength);
  return sha256(`${space.id}\n${id}\n${sha256(bytes)}`).slice(0, 32);
}
