import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createDiscovery } from "../../src/discovery/create-discovery.ts";
import { LangChainVectors } from "../../src/discovery/langchain-vectors.ts";
import { LocalVectors } from "../../src/discovery/local-vectors.ts";
import type { SemanticIndex } from "../../src/discovery/semantic-index.ts";
import type { Discovery, SearchAnswer, SearchDocument } from "../../src/discovery/types.ts";
import { VectraStore } from "../../src/discovery/vectra-store.ts";
import { tries } from "../torture.ts";
import { TestVectorStore } from "./memory-vector-store.ts";
import { BagOfWords, changes, ChangingSource, sample, SKILLS } from "./samples.ts";

const QUERY = "which year is MCMXCIV in roman numerals";
let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "skillwright-semantic-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

/** What every place for vectors must do: the contract. `place` makes one that can be opened again and again. */
interface Place {
  readonly open: () => SemanticIndex;
  /** Loses all that was stored. */
  readonly lose: () => Promise<void>;
}

const PLACES: readonly [string, () => Place][] = [
  ["our vectra files", () => ({
    open: () => new LocalVectors(new VectraStore(join(dir, "vectors")), () => {}),
    lose: () => rm(join(dir, "vectors"), { recursive: true, force: true }),
  })],
  ["a LangChain vector store", () => {
    const store = new TestVectorStore();
    return {
      open: () => new LangChainVectors(store, { id: "test", ledger: join(dir, "ledger.json") }),
      lose: () => Promise.resolve(store.rows.clear()),
    };
  }],
];

describe.each(PLACES)("in %s", (_, makePlace) => {
  let place: Place;
  beforeEach(() => {
    place = makePlace();
  });

  const open = (
    source = new ChangingSource(SKILLS),
    embedder = new BagOfWords(),
    log: string[] = [],
  ): Discovery =>
    createDiscovery({ dir, source, embedder, vectors: place.open(), log: (line) => log.push(line) });

  test("vectors are found by nearness, with what matched", async () => {
    const { matches, mode } = await open().search(QUERY, { limit: 10 });
    expect(mode).toBe("hybrid");
    expect(matches[0]).toMatchObject({
      id: "roman_numerals",
      matched: "what is 1994 in roman numerals",
      related: true,
    });
    expect(matches).toHaveLength(4);
  });

  test("vectors last: who opens them next embeds nothing", async () => {
    const before = await open().search(QUERY, { limit: 10 });
    const embedder = new BagOfWords();
    const source = new ChangingSource(SKILLS);
    expect(rounded(await open(source, embedder).search(QUERY, { limit: 10 }))).toEqual(rounded(before));
    // a store that can't be asked what it holds may be tried by one vector, which is two texts
    expect(embedder.texts.length).toBeLessThanOrEqual(2);
  });

  test("a change embeds what changed, and what is gone is found no more", async () => {
    const source = new ChangingSource(SKILLS);
    const embedder = new BagOfWords();
    const discovery = open(source, embedder);
    await discovery.sync();
    const first = embedder.texts.length;
    source.set([...SKILLS.slice(1), sample("unzip", { description: "Unpack a ZIP archive" })]);
    const { matches } = await discovery.search("roman numerals", { limit: 10 });
    expect(matches.map(({ id }) => id)).not.toContain("roman_numerals");
    expect(embedder.texts.slice(first).sort()).toEqual(["Unpack a ZIP archive", "unzip"]);
  });

  test("vectors that were lost are made again", async () => {
    const before = await open().search(QUERY, { limit: 10 });
    await place.lose();
    const log: string[] = [];
    expect(rounded(await open(undefined, undefined, log).search(QUERY, { limit: 10 }))).toEqual(
      rounded(before),
    );
  });

  test.each([["of another name", new BagOfWords("bag-2")], ["of another length", new BagOfWords("bag", 32)]])(
    "vectors of a model %s are made again",
    async (_, other) => {
      const fresh = await open().search(QUERY, { limit: 10 });
      await open(undefined, other).sync();
      const embedder = new BagOfWords();
      const again = await open(undefined, embedder).search(QUERY, { limit: 10 });
      expect(rounded(again)).toEqual(rounded(fresh));
      expect(embedder.texts.length).toBeGreaterThan(2);
    },
  );

  test("rebuild makes everything again", async () => {
    const embedder = new BagOfWords();
    const discovery = open(undefined, embedder);
    const before = await discovery.search(QUERY);
    const first = embedder.texts.length;
    await discovery.rebuild();
    expect(embedder.texts.length).toBeGreaterThan(first + 5);
    expect(await discovery.search(QUERY)).toEqual(before);
  });

  test("hostile texts are searched like others", async () => {
    const hostile: SearchDocument[] = [
      sample("control", { description: "\u0000\u001b[2J\u202e\ud800 haystack", triggers: ["\u0000", ""] }),
      sample("", { name: "", description: "" }),
      sample("__proto__", { name: "constructor", description: "hasOwnProperty" }),
    ];
    const discovery = open(new ChangingSource(hostile));
    expect((await discovery.search("haystack")).matches[0]?.id).toBe("control");
    expect((await discovery.search("hasOwnProperty")).matches[0]?.id).toBe("__proto__");
  });

  test("duplicates are found", async () => {
    const source = new ChangingSource([
      ...SKILLS,
      sample("words", { description: "Count the words of a text" }),
      sample("roman", { description: "Other", triggers: ["What is 1994 in Roman numerals?"] }),
    ]);
    const { pairs } = await open(source).duplicates();
    expect(pairs.map(({ a, b, how }) => ({ a, b, how }))).toEqual([
      { a: "roman", b: "roman_numerals", how: "text" },
      { a: "word_count", b: "words", how: "text" },
    ]);
  });

  test("the index after any sequence of changes and reopenings equals a fresh one", async () => {
    await fc.assert(
      fc.asyncProperty(changes, async (steps) => {
        await place.lose();
        const source = new ChangingSource();
        let discovery = open(source);
        for (const { documents, reopen } of steps) {
          source.set(documents);
          if (reopen) discovery = open(source);
          await discovery.sync();
        }
        const grown = await discovery.search("roman year csv", { limit: 10 });
        const fresh = createDiscovery({ dir: join(dir, "fresh"), source, embedder: new BagOfWords() });
        expect(rounded(grown)).toEqual(rounded(await fresh.search("roman year csv", { limit: 10 })));
        await rm(join(dir, "fresh"), { recursive: true, force: true });
      }),
      { numRuns: tries(20, 400) },
    );
  });
});

/** Other ways of adding up differ in the last digits. */
function rounded({ matches, ...rest }: SearchAnswer): unknown {
  const round = (value: number | null) => value === null ? null : Math.round(value * 1e5) / 1e5;
  return {
    ...rest,
    matches: matches.map((match) => ({
      ...match,
      score: round(match.score),
      cosine: round(match.cosine),
      lexical: round(match.lexical),
    })),
  };
}

describe("a LangChain vector store", () => {
  const withStore = (store: TestVectorStore, toCosine?: (score: number) => number, log: string[] = []) =>
    createDiscovery({
      dir,
      source: new ChangingSource(SKILLS),
      embedder: new BagOfWords(),
      vectors: new LangChainVectors(store, {
        id: "test",
        ledger: join(dir, "ledger.json"),
        ...(toCosine === undefined ? {} : { toCosine }),
        log: (line) => log.push(line),
      }),
      log: (line) => log.push(line),
    });

  test("gets ids that are UUIDs, the text that is shown, and whose it is", async () => {
    const store = new TestVectorStore();
    await withStore(store).sync();
    expect(
      [...store.rows.keys()].every((id) =>
        /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/.test(id)
      ),
    )
      .toBe(true);
    expect([...store.rows.values()].map(({ document }) => document.pageContent)).toContain(
      "what is 1994 in roman numerals",
    );
    expect([...store.rows.values()].map(({ document }) => document.metadata["document"])).toContain(
      "weather",
    );
  });

  test("of distances is used with toCosine, and without it search is lexical and says what to give", async () => {
    const store = new TestVectorStore();
    store.score = (cosine) => 1 - cosine;
    const plain = await withStore(store).search(QUERY);
    expect(plain).toMatchObject({ mode: "lexical", degraded: expect.stringContaining("give toCosine") });
    const told = await withStore(store, (score) => 1 - score).search(QUERY);
    expect(told).toMatchObject({ mode: "hybrid", matches: [{ id: "roman_numerals" }, {}, {}, {}] });
  });

  test("that cannot delete is used all the same, and what is gone is not found", async () => {
    const store = new TestVectorStore();
    store.canDelete = false;
    const source = new ChangingSource(SKILLS);
    const log: string[] = [];
    const discovery = createDiscovery({
      dir,
      source,
      embedder: new BagOfWords(),
      vectors: new LangChainVectors(store, {
        id: "test",
        ledger: join(dir, "ledger.json"),
        log: (line) => log.push(line),
      }),
    });
    await discovery.sync();
    source.set(SKILLS.slice(1));
    const { matches } = await discovery.search("roman numerals", { limit: 10 });
    expect(matches.map(({ id }) => id).sort()).toEqual(["csv2json", "weather", "word_count"]);
    expect(log.join("\n")).toContain("stay in the vector store");
  });

  test("that fails makes search lexical with its reason, and it is hybrid again once it works", async () => {
    const store = new TestVectorStore();
    const discovery = withStore(store);
    await discovery.sync();
    store.failure = new Error("connection refused");
    expect(await discovery.search(QUERY)).toMatchObject({
      mode: "lexical",
      degraded: expect.stringContaining("connection refused"),
      matches: [{ id: "roman_numerals" }],
    });
    store.failure = undefined;
    expect((await discovery.search(QUERY)).mode).toBe("hybrid");
  });

  test("whose ledger is damaged gets everything again under the same ids", async () => {
    const store = new TestVectorStore();
    await withStore(store).sync();
    const before = store.rows.size;
    await writeFile(join(dir, "ledger.json"), "{");
    expect((await withStore(store).search(QUERY)).mode).toBe("hybrid");
    expect(store.rows.size).toBe(before);
  });

  test("of many vectors is asked for the nearest only", async () => {
    const store = new TestVectorStore();
    const source = new ChangingSource([
      ...SKILLS,
      ...Array.from({ length: 1_200 }, (_, at) => sample(`other-${at}`, { description: `Thing ${at}` })),
    ]);
    const vectors = new LangChainVectors(store, { id: "test", ledger: join(dir, "ledger.json") });
    const discovery = createDiscovery({ dir, source, embedder: new BagOfWords(), vectors });
    const { matches, total } = await discovery.search(QUERY);
    expect({ best: matches[0]?.id, total }).toEqual({ best: "roman_numerals", total: 1_204 });
  });
});
