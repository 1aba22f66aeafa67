import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { LocalIndex, ProtobufCodec } from "vectra";
import type { StoredVector } from "../../src/discovery/vector-store.ts";
import { normalised } from "../../src/discovery/vectors.ts";
import { VectraStore } from "../../src/discovery/vectra-store.ts";

const SPACE = { id: "model-1", dimensions: 4 };
let folder: string;
let file: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "skillwright-store-"));
  file = join(folder, "index.pb");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function stored(...ids: string[]): Map<string, StoredVector> {
  const vectors = ids.map((id, at) => normalised([at + 1, id.length, 1, -at]));
  return new Map(
    ids.map((
      id,
      at,
    ) => [id, { id, document: `of ${id}`, kind: "document", vector: vectors[at] ?? new Float32Array(4) }]),
  );
}

const idsOf = async (space = SPACE) => [...(await new VectraStore(folder).read(space)).keys()].sort();

test("VectraStore gives another process exactly the vectors that were written", async () => {
  const vectors = stored("a", "bb", "ccc");
  await new VectraStore(folder).write(SPACE, vectors);
  const read = await new VectraStore(folder).read(SPACE);
  expect(read).toEqual(new Map([...vectors].map(([id, { vector }]) => [id, vector])));
  await new VectraStore(folder).write(SPACE, stored("bb", "dddd"));
  expect(await idsOf()).toEqual(["bb", "dddd"]);
  expect(await readdir(folder)).toEqual(["index.pb"]);
});

test("VectraStore notices what another process wrote", async () => {
  const reader = new VectraStore(folder);
  expect((await reader.read(SPACE)).size).toBe(0);
  const writer = new VectraStore(folder);
  await writer.write(SPACE, stored("a"));
  expect((await reader.read(SPACE)).size).toBe(1);
  await writer.write(SPACE, stored("a", "bb"));
  expect((await reader.read(SPACE)).size).toBe(2);
});

test("VectraStore writes an index that vectra itself opens and queries", async () => {
  await new VectraStore(folder).write(SPACE, stored("a", "bb"));
  const index = new LocalIndex(folder, "index.pb", undefined, new ProtobufCodec());
  const [best] = await index.queryItems([1, 1, 1, 0], "", 1);
  expect(best?.item.metadata).toMatchObject({ document: "of a", kind: "document" });
  expect(best?.score).toBeCloseTo(1);
});

test("VectraStore gives nothing for another model and nothing for another dimension", async () => {
  await new VectraStore(folder).write(SPACE, stored("a"));
  expect(await idsOf({ id: "model-2", dimensions: 4 })).toEqual([]);
  expect(await idsOf({ id: "model-1", dimensions: 3 })).toEqual([]);
  expect(await idsOf()).toEqual(["a"]);
});

test("VectraStore never gives a vector with a flipped bit, wherever the bit is", async () => {
  const vectors = stored("a", "bb");
  await new VectraStore(folder).write(SPACE, vectors);
  const bytes = await readFile(file);
  for (let at = 0; at < bytes.length; at++) {
    const flipped = Uint8Array.from(bytes);
    flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8));
    await writeFile(file, flipped);
    for (const [id, vector] of await new VectraStore(folder).read(SPACE)) {
      expect(vector).toEqual(vectors.get(id)?.vector);
    }
  }
});

test.each<[string, () => Promise<void>]>([
  ["cut in the middle", () => truncate(file, 100)],
  ["empty", () => writeFile(file, "")],
  ["zeros", async () => writeFile(file, new Uint8Array((await readFile(file)).length))],
  ["text", () => writeFile(file, "<html>not an index</html>")],
  ["missing", () => rm(file)],
])(
  "VectraStore whose file is %s reads as empty or as what is intact, and can be written again",
  async (_, damage) => {
    const vectors = stored("a", "bb");
    await new VectraStore(folder).write(SPACE, vectors);
    await damage();
    expect((await idsOf()).length).toBeLessThan(2);
    await new VectraStore(folder).write(SPACE, vectors);
    expect(await idsOf()).toEqual(["a", "bb"]);
  },
);

test("VectraStore that cannot write throws and leaves the old index", async () => {
  const store = new VectraStore(folder);
  await store.write(SPACE, stored("a"));
  const before = await readFile(file);
  const broken = new Map([["x", {
    id: "x",
    document: "x",
    kind: "document",
    vector: undefined as unknown as Float32Array,
  }]]);
  await expect(store.write(SPACE, broken)).rejects.toThrow(TypeError);
  expect(await readFile(file)).toEqual(before);
  expect(await idsOf()).toEqual(["a"]);
});
