import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createDiscovery } from "../../src/discovery/create-discovery.ts";
import type { Discovery } from "../../src/discovery/types.ts";
import { BagOfWords, ChangingSource, sample, SKILLS } from "./samples.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "skillwright-trial-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const open = (embedder: BagOfWords | "none" = new BagOfWords("bag", 4_096)): Discovery =>
  createDiscovery({ dir, source: new ChangingSource(SKILLS), embedder });
const all = () => true;

test("trial places a document that is not indexed among those that are, and keeps nothing", async () => {
  const discovery = open();
  const text = "unpack a zip archive";
  const { places } = await discovery.trial(sample("unzip", { description: "Unpack a ZIP archive" }), [
    text,
    "count the words of a text",
    "zebra",
  ], all);
  expect(places).toMatchObject([{ rank: 1, ahead: [] }, { ahead: ["word_count"] }, { rank: null }]);
  expect((await discovery.search(text)).matches.map(({ id }) => id)).not.toContain("unzip");
});

test("trial puts a document in the place of what has its id", async () => {
  const discovery = open();
  const changed = sample("word_count", { name: "Tides", description: "High water at a harbour" });
  const { places } = await discovery.trial(changed, ["count words", "high water at harbour"], all);
  expect(places).toEqual([{ rank: null, ahead: [] }, { rank: 1, ahead: [] }]);
});

test("trial ranks as a search does once the document is indexed", async () => {
  const source = new ChangingSource(SKILLS);
  const discovery = createDiscovery({ dir, source, embedder: new BagOfWords("bag", 4_096) });
  const added = sample("calendar", {
    description: "Which year and which day it is",
    triggers: ["what year is it"],
  });
  const queries = ["what is the year", "roman numerals of a year", "json"];
  const { places } = await discovery.trial(added, queries, all);
  source.set([...SKILLS, added]);
  for (const [at, query] of queries.entries()) {
    const { matches } = await discovery.search(query, { limit: 9, relatedOnly: true });
    const rank = matches.findIndex(({ id }) => id === added.id);
    expect(places[at]?.rank).toBe(rank < 0 ? null : rank + 1);
  }
});

test("trial tries among what passes the filter", async () => {
  const text = "convert integers to roman numerals";
  const rival = sample("rival", { description: "Roman numerals" });
  const [any] = (await open().trial(rival, [text], all)).places;
  expect(any).toMatchObject({ rank: 2, ahead: ["roman_numerals"] });
  const [alone] = (await open().trial(rival, [text], ({ id }) => id !== "roman_numerals")).places;
  expect(alone).toMatchObject({ rank: 1 });
});

test("trial without a model gives no places and says why", async () => {
  expect(await open("none").trial(sample("x"), ["x"], all)).toEqual({
    places: [],
    degraded: "no embedding model was asked for",
  });
});
