import { mkdir, mkdtemp, readdir, readFile, rm, truncate, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { LocalIndex, ProtobufCodec } from "vectra";
import type { StoredVector } from "../../src/discovery/vector-store.ts";
import { normalised } from "../../src/discovery/vectors.ts";
import { VectraStore } from "../../src/discovery/vectra-store.ts";

const SPACE = { id: "model-1", dimensions: 4 };
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "skillwright-store-"));
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

const files = async () => (await readdir(folder)).filter((name) => name.endsWith(".pb")).sort();
/** The only file there is. */
async function onlyFile(): Promise<string> {
  const [name = "none", ...others] = await files();
  expect(others).toEqual([]);
  return join(folder, name);
}

const idsOf = async (space = SPACE) => [...(await new VectraStore(folder).read(space)).keys()].sort();

test("VectraStore gives another process exactly the vectors that were written", async () => {
  const vectors = stored("a", "bb", "ccc");
  await new VectraStore(folder).write(SPACE, vectors);
  const read = await new VectraStore(folder).read(SPACE);
  expect(read).toEqual(new Map([...vectors].map(([id, { vector }]) => [id, vector])));
  await new VectraStore(folder).write(SPACE, stored("bb", "dddd"));
  expect(await idsOf()).toEqual(["bb", "dddd"]);
  expect(await readdir(folder)).toHaveLength(1);
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
  const index = new LocalIndex(folder, basename(await onlyFile()), undefined, new ProtobufCodec());
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
  const file = await onlyFile();
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

test.each<[string, (file: string) => Promise<unknown>]>([
  ["cut in the middle", (file) => truncate(file, 100)],
  ["empty", (file) => writeFile(file, "")],
  ["zeros", async (file) => writeFile(file, new Uint8Array((await readFile(file)).length))],
  ["text", (file) => writeFile(file, "<html>not an index</html>")],
  ["missing", (file) => rm(file)],
  ["a folder", async (file) => {
    await rm(file);
    await mkdir(file);
  }],
])(
  "VectraStore whose file is %s reads as empty or as what is intact, and can be written again",
  async (_, damage) => {
    const vectors = stored("a", "bb");
    await new VectraStore(folder).write(SPACE, vectors);
    await damage(await onlyFile());
    expect((await idsOf()).length).toBeLessThan(2);
    await new VectraStore(folder).write(SPACE, vectors);
    expect(await idsOf()).toEqual(["a", "bb"]);
    await onlyFile();
  },
);

test("VectraStore that cannot write throws and leaves the old index", async () => {
  const store = new VectraStore(folder);
  await store.write(SPACE, stored("a"));
  const before = await files();
  const broken = new Map([["x", {
    id: "x",
    document: "x",
    kind: "document",
    vector: undefined as unknown as Float32Array,
  }]]);
  await expect(store.write(SPACE, broken)).rejects.toThrow(TypeError);
  expect(await files()).toEqual(before);
  expect(await idsOf()).toEqual(["a"]);
});

const many = (count: number, from = 0) =>
  stored(...Array.from({ length: count }, (_, at) => `n${at + from}`));

test("VectraStore writes one small file for a change among many, and leaves the full ones as they are", async () => {
  const store = new VectraStore(folder);
  const vectors = many(2_500);
  await store.write(SPACE, vectors);
  const before = await files();
  expect(before).toHaveLength(3);
  for (const [id, vector] of stored("added")) vectors.set(id, vector);
  await store.write(SPACE, vectors);
  const after = await files();
  expect(after).toHaveLength(3);
  expect(after.filter((name) => before.includes(name))).toHaveLength(2);
  expect(await new VectraStore(folder).read(SPACE)).toEqual(
    new Map([...vectors].map(([id, { vector }]) => [id, vector])),
  );
});

test("VectraStore writes nothing when it holds what is wanted", async () => {
  const store = new VectraStore(folder);
  await store.write(SPACE, many(1_100));
  const before = await files();
  await store.write(SPACE, many(1_100));
  await new VectraStore(folder).write(SPACE, many(1_100));
  expect(await files()).toEqual(before);
});

test("VectraStore gives room back once half of a file is of no use, and everything when nothing is wanted", async () => {
  const store = new VectraStore(folder);
  await store.write(SPACE, many(2_048));
  const size = async () => (await idsOf()).length;
  await store.write(SPACE, many(2_000));
  expect(await size()).toBe(2_048);
  await store.write(SPACE, many(100));
  expect(await size()).toBe(100);
  await store.write(SPACE, new Map());
  expect(await readdir(folder)).toEqual([]);
});

test("VectraStore loses nothing of two writers that know nothing of each other", async () => {
  const one = new VectraStore(folder), other = new VectraStore(folder);
  await one.write(SPACE, stored("a"));
  const both = stored("a", "bb", "ccc");
  await Promise.all([one.write(SPACE, stored("a", "bb")), other.write(SPACE, both)]);
  expect(await idsOf()).toEqual(["a", "bb", "ccc"]);
  await one.write(SPACE, both);
  await onlyFile();
});

test("VectraStore removes what a killed writer left, but not what a living one may be writing", async () => {
  const store = new VectraStore(folder);
  const left = join(folder, ".index-0.pb.1234-ab.tmp"), fresh = join(folder, ".index-1.pb.1234-ab.tmp");
  await writeFile(left, "half");
  await writeFile(fresh, "half");
  const twoHoursAgo = Date.now() / 1_000 - 7_200;
  await utimes(left, twoHoursAgo, twoHoursAgo);
  await store.write(SPACE, stored("a"));
  expect((await readdir(folder)).filter((name) => name.endsWith(".tmp"))).toEqual([basename(fresh)]);
});
