import { Buffer } from "node:buffer";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { LocalIndex, ProtobufCodec } from "vectra";
import { SkillError } from "../../src/base/errors.ts";
import { StagedFileStorage } from "../../src/discovery/staged-file-storage.ts";
import { vectraCodec } from "../../src/discovery/vectra-codec.ts";

type IndexData = ReturnType<ProtobufCodec["deserializeIndex"]>;

const theirs = new ProtobufCodec();
const text = fc.string({ unit: "grapheme", maxLength: 12 });
// vectra reads -0 as 0: no difference of ours
const number = fc.double({ noNaN: true }).map((value) => value + 0);
const key = text.filter((name) => name !== "__proto__");
const item = fc.record({
  id: text,
  metadata: fc.dictionary(key, fc.oneof(text, fc.boolean(), number)),
  vector: fc.array(fc.float({ noNaN: true }), { maxLength: 8 }),
  norm: number,
}).map((plain) => ({ ...plain, metadata: { ...plain.metadata } }));
const index: fc.Arbitrary<IndexData> = fc.record({
  version: fc.nat(),
  metadata_config: fc.record({ indexed: fc.array(text, { maxLength: 3 }) }),
  items: fc.array(item, { maxLength: 6 }),
});

const plain = (data: IndexData) => ({
  ...data,
  items: data.items.map((each) => ({ ...each, vector: [...each.vector] })),
});

test("vectraCodec reads what vectra's protobuf codec wrote", () => {
  fc.assert(fc.property(index, (data) => {
    const bytes = theirs.serializeIndex(data);
    expect(plain(vectraCodec.deserializeIndex(bytes))).toEqual(theirs.deserializeIndex(bytes));
  }));
});

test("vectra's protobuf codec reads what vectraCodec wrote", () => {
  fc.assert(fc.property(index, (data) => {
    expect(theirs.deserializeIndex(vectraCodec.serializeIndex(data))).toEqual(
      theirs.deserializeIndex(theirs.serializeIndex(data)),
    );
  }));
});

function readOrRefused(bytes: Buffer): boolean {
  try {
    return vectraCodec.deserializeIndex(bytes).items.length <= bytes.length;
  } catch (error) {
    return error instanceof RangeError || SkillError.isInstance(error);
  }
}

test("vectraCodec refuses or reads any bytes, and never hangs", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
    expect(readOrRefused(Buffer.from(bytes))).toBe(true);
  }));
});

test("a LocalIndex on this codec and storage answers queries, and nothing is on disk before the commit", async () => {
  const folder = await mkdtemp(join(tmpdir(), "skillwright-vectra-"));
  try {
    const storage = new StagedFileStorage();
    const mine = new LocalIndex(folder, "index.pb", storage, vectraCodec);
    await mine.createIndex();
    await mine.insertItem({ id: "x", vector: [1, 0], metadata: { document: "x" } });
    await mine.insertItem({ id: "y", vector: [0, 1], metadata: { document: "y" } });
    const reader = () => new LocalIndex(folder, "index.pb", undefined, new ProtobufCodec());
    expect(await reader().isIndexCreated()).toBe(false);
    await storage.commit();
    const [best] = await reader().queryItems([0.9, 0.1], "", 1);
    expect(best?.item.id).toBe("x");
    expect(best?.item.metadata).toEqual({ document: "x" });
  } finally {
    await rm(folder, { recursive: true });
  }
});
