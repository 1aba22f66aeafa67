import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createDiscovery } from "../../src/discovery/create-discovery.ts";
import { writeSegment } from "../../src/discovery/vector-segment.ts";
import { SkillError } from "../../src/base/errors.ts";
import type { Discovery, SearchDocument } from "../../src/discovery/types.ts";
import { BagOfWords, ChangingSource, sample, SKILLS } from "./samples.ts";

const QUERY = "which year is MCMXCIV in roman numerals";
let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "skillwright-discovery-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

function open(
  source = new ChangingSource(SKILLS),
  embedder: BagOfWords | "none" = new BagOfWords(),
  log: string[] = [],
): Discovery {
  return createDiscovery({ dir, source, embedder, log: (line) => log.push(line) });
}

test("search finds by meaning and words, best first, with what matched", async () => {
  const { matches, mode, total, degraded } = await open().search(QUERY);
  expect(matches[0]).toMatchObject({
    id: "roman_numerals",
    matched: "what is 1994 in roman numerals",
    lexical: 1,
  });
  expect(matches[0]?.cosine).toBeGreaterThan(matches[1]?.cosine ?? 1);
  expect({ mode, total, degraded }).toEqual({ mode: "hybrid", total: 4, degraded: undefined });
  expect(matches.map(({ score }) => score)).toEqual(
    matches.map(({ score }) => score).toSorted((a, b) => b - a),
  );
});

test("search finds a skill by a trigger that shares no word with its description", async () => {
  const { matches } = await open().search("the way of ancient Rome");
  expect(matches[0]).toMatchObject({
    id: "roman_numerals",
    matched: "write a year the way ancient Rome did",
  });
});

test("search filters, counts what passed, and keeps the scores of what stays", async () => {
  const discovery = open();
  const all = await discovery.search(QUERY, { limit: 10 });
  const active = await discovery.search(QUERY, {
    limit: 1,
    filter: ({ facets }) => facets["status"] === "active",
  });
  expect(active.total).toBe(3);
  expect(active.matches).toEqual([all.matches[0]]);
  const none = await discovery.search(QUERY, { filter: () => false });
  expect(none).toMatchObject({ matches: [], total: 0 });
});

test("search refuses a limit that is no whole number above 0", async () => {
  await expect(open().search("x", { limit: 0 })).rejects.toThrow(RangeError);
  await expect(open().search("x", { limit: Number.NaN })).rejects.toThrow(RangeError);
});

test("search in an empty home answers nothing and opens no model", async () => {
  const embedder = new BagOfWords();
  const { matches, total } = await open(new ChangingSource(), embedder).search("anything");
  expect({ matches, total, queries: embedder.queries }).toEqual({ matches: [], total: 0, queries: 0 });
});

test("search with a query of nothing but spaces answers without asking the model", async () => {
  const embedder = new BagOfWords();
  expect((await open(undefined, embedder).search(" \n\u0000 ")).matches).toEqual([]);
  expect(embedder.queries).toBe(0);
});

test("a second process opens the index without embedding a document", async () => {
  await open().sync();
  const embedder = new BagOfWords();
  const { matches, mode } = await open(undefined, embedder).search(QUERY);
  expect(mode).toBe("hybrid");
  expect(matches[0]?.id).toBe("roman_numerals");
  expect(embedder.texts).toEqual([]);
});

test("sync embeds only new texts, forgets documents that are gone, and does nothing when nothing changed", async () => {
  const source = new ChangingSource(SKILLS);
  const embedder = new BagOfWords();
  const discovery = open(source, embedder);
  await discovery.sync();
  const first = embedder.texts.length;
  await discovery.sync();
  expect(source.reads).toBe(1);
  source.set([...SKILLS.slice(1), sample("unzip", { description: "Unpack a ZIP archive" })]);
  const { matches } = await discovery.search("roman numerals", { limit: 10 });
  expect(matches.map(({ id }) => id)).not.toContain("roman_numerals");
  expect(embedder.texts.slice(first).sort()).toEqual(["Unpack a ZIP archive", "unzip"]);
  const state = JSON.parse(await readFile(join(dir, "state.json"), "utf8"));
  expect(state).toEqual({
    format: 1,
    embedder: "bag",
    dimensions: 64,
    revision: 2,
    documents: 4,
    vectors: 4,
  });
});

test("searches side by side make the index once", async () => {
  const source = new ChangingSource(SKILLS);
  const embedder = new BagOfWords();
  const discovery = open(source, embedder);
  const answers = await Promise.all(Array.from({ length: 8 }, () => discovery.search(QUERY)));
  expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
  expect(source.reads).toBe(1);
});

test("two writers of different revisions side by side leave an index that a third reads without an error", async () => {
  const later = new ChangingSource([]);
  later.set(SKILLS);
  await Promise.all([open(new ChangingSource(SKILLS.slice(0, 2))).sync(), open(later).sync()]);
  const { matches } = await open(later).search(QUERY);
  expect(matches[0]?.id).toBe("roman_numerals");
});

async function index(): Promise<string> {
  const folder = join(dir, "vectors");
  const [name = "none"] = await readdir(folder);
  return join(folder, name);
}
test.each<[string, () => Promise<unknown>]>([
  ["a cut file", async () => truncate(await index(), 300)],
  ["a flipped byte in a vector", async () => {
    const file = await index();
    const bytes = await readFile(file);
    bytes[bytes.length - 60] = (bytes[bytes.length - 60] ?? 0) ^ 0x10;
    await writeFile(file, bytes);
  }],
  ["zeros", async () => writeFile(await index(), new Uint8Array(1_000))],
  ["no file", async () => rm(await index())],
  ["no folder", () => rm(dir, { recursive: true })],
  ["a folder in place of the file", async () => {
    const file = await index();
    await rm(file);
    await mkdir(file);
  }],
  ["a file of another index beside it", async () => {
    const vector = { id: "x", document: "x", kind: "document", vector: new Float32Array(64) };
    await writeSegment(join(dir, "vectors"), "index-0.pb", { id: "other", dimensions: 64 }, [vector]);
  }],
  ["a state that is no JSON", () => writeFile(join(dir, "state.json"), "{")],
  ["a state of another model", () => writeFile(join(dir, "state.json"), '{"format":1,"embedder":"other"}')],
])("an index with %s is made again and answers as before", async (_, damage) => {
  const first = open();
  const before = await first.search(QUERY, { limit: 10 });
  await first.close();
  await damage();
  expect(await open().search(QUERY, { limit: 10 })).toEqual(before);
  const embedder = new BagOfWords();
  expect(await open(undefined, embedder).search(QUERY, { limit: 10 })).toEqual(before);
  expect(embedder.texts).toEqual([]);
});

test.each<[string, BagOfWords]>([
  ["of another name", new BagOfWords("bag-2")],
  ["of another dimension", new BagOfWords("bag", 32)],
])("an index made by an embedder %s is made again", async (_, other) => {
  await open(undefined, other).sync();
  const embedder = new BagOfWords();
  const { matches, mode } = await open(undefined, embedder).search(QUERY);
  expect(mode).toBe("hybrid");
  expect(matches[0]?.id).toBe("roman_numerals");
  expect(embedder.texts.length).toBeGreaterThan(0);
});

test("rebuild embeds everything again", async () => {
  const embedder = new BagOfWords();
  const discovery = open(undefined, embedder);
  await discovery.sync();
  const first = embedder.texts.length;
  await discovery.rebuild();
  expect(embedder.texts.length).toBe(2 * first);
});

test("search without a model is lexical, says why, and finds nothing that shares no word", async () => {
  const discovery = open(undefined, "none");
  const { matches, mode, degraded, total } = await discovery.search(QUERY);
  expect({ mode, degraded, total }).toEqual({
    mode: "lexical",
    degraded: "no embedding model was asked for",
    total: 4,
  });
  expect(matches.map(({ id, cosine }) => ({ id, cosine }))).toEqual([{ id: "roman_numerals", cosine: null }]);
  expect((await discovery.search("barometer")).matches[0]?.id).toBe("weather");
  expect((await discovery.search("__proto__ constructor toString")).matches).toEqual([]);
  expect(await discovery.probe()).toMatchObject({ ok: false, model: "none" });
});

test("search with a model that fails is lexical with the reason, and hybrid again after a sync once it works", async () => {
  const embedder = new BagOfWords();
  embedder.failure = new Error("no native addon");
  const log: string[] = [];
  const discovery = open(undefined, embedder, log);
  const broken = await discovery.search(QUERY);
  expect(broken.matches[0]?.id).toBe("roman_numerals");
  expect(broken.mode).toBe("lexical");
  expect(broken.degraded).toContain("no native addon");
  expect(log.join("\n")).toContain("no native addon");
  expect(await discovery.probe()).toMatchObject({
    ok: false,
    model: "bag",
    reason: expect.stringContaining("addon"),
  });
  embedder.failure = undefined;
  await discovery.sync();
  expect(await discovery.search(QUERY)).toMatchObject({ mode: "hybrid" });
  expect(await discovery.probe()).toEqual({ ok: true, model: "bag" });
});

test("probe tells what to do about a model that is not there", async () => {
  const embedder = new BagOfWords();
  embedder.failure = new SkillError("not_found", "no model here", { fix: "install it" });
  expect(await open(undefined, embedder).probe()).toMatchObject({
    ok: false,
    reason: expect.stringContaining("no model here"),
    fix: "install it",
  });
});

test("search with a model that fails on the query alone is lexical with the reason", async () => {
  await open().sync();
  const embedder = new BagOfWords();
  embedder.failure = new Error("quota used up");
  const { matches, mode, degraded } = await open(undefined, embedder).search(QUERY);
  expect({ mode, best: matches[0]?.id }).toEqual({ mode: "lexical", best: "roman_numerals" });
  expect(degraded).toContain("quota used up");
});

test("search in a home that cannot be written answers from memory and logs it", async () => {
  await writeFile(join(dir, "vectors"), "a file where the folder should be");
  const log: string[] = [];
  expect((await open(undefined, undefined, log).search(QUERY)).mode).toBe("hybrid");
  expect(log.join("\n")).toContain("could not be written");
});

test("search survives documents of 100 KB, control characters, lone surrogates, no text, and the same id twice", async () => {
  const hostile: SearchDocument[] = [
    sample("long", {
      description: "x".repeat(100_000),
      body: "needle ".repeat(15_000),
      name: "n".repeat(100_000),
    }),
    sample("control", {
      description: "\u0000\u001b[2J\u202e\ud800 haystack",
      triggers: ["\u0000", "", "a".repeat(100_000)],
    }),
    sample("", { name: "", description: "" }),
    sample("__proto__", { name: "constructor", description: "hasOwnProperty" }),
    sample("many", { triggers: Array.from({ length: 5_000 }, (_, at) => `trigger ${at}`) }),
    sample("long", { description: "the second of this id" }),
  ];
  const discovery = open(new ChangingSource(hostile), new BagOfWords("wide", 4_096));
  expect((await discovery.search("haystack")).matches[0]?.id).toBe("control");
  expect((await discovery.search("hasOwnProperty")).matches[0]?.id).toBe("__proto__");
  const { matches, total } = await discovery.search("x ".repeat(50_000), { limit: 10 });
  expect(total).toBe(5);
  expect(matches.every(({ matched }) => matched.length <= 300)).toBe(true);
});

test("close ends waiting work, closes an embedder that it opened but none it was given, and nothing works afterwards", async () => {
  const given = new BagOfWords();
  const discovery = open(undefined, given);
  const syncing = discovery.sync();
  await discovery.close();
  await expect(syncing).rejects.toMatchObject({ code: "closed" });
  await expect(discovery.search("x")).rejects.toMatchObject({ code: "closed" });
  await expect(discovery.sync()).rejects.toMatchObject({ code: "closed" });
  expect(given.closed).toBe(false);
  const opened = new BagOfWords();
  const owner = createDiscovery({
    dir,
    source: new ChangingSource(SKILLS),
    embedder: () => Promise.resolve(opened),
  });
  await owner.search("x");
  await owner.close();
  expect(opened.closed).toBe(true);
});

test.each<[string, () => Promise<{ readonly dir?: string }>]>([
  ["without a folder", () => Promise.resolve({})],
  ["whose folder cannot be written", async () => {
    await writeFile(join(dir, "file"), "");
    return { dir: join(dir, "file") };
  }],
])("a discovery %s searches from memory and embeds only what changed", async (_, place) => {
  const source = new ChangingSource(SKILLS);
  const embedder = new BagOfWords();
  const discovery = createDiscovery({ ...await place(), source, embedder });
  expect((await discovery.search(QUERY)).mode).toBe("hybrid");
  const first = embedder.texts.length;
  source.set([...SKILLS, sample("unzip", { description: "Unpack a ZIP archive" })]);
  expect((await discovery.search("unpack a zip archive")).matches[0]?.id).toBe("unzip");
  expect(embedder.texts.slice(first).sort()).toEqual(["Unpack a ZIP archive", "unzip"]);
  expect((await readdir(dir)).filter((name) => name !== "file")).toEqual([]);
});
