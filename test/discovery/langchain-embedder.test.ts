import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Embeddings } from "@langchain/core/embeddings";
import { expect, test } from "vitest";
import { createDiscovery } from "../../src/discovery/create-discovery.ts";
import { openLangChainEmbedder } from "../../src/discovery/langchain-embedder.ts";
import { BagOfWords, ChangingSource, SKILLS } from "./samples.ts";

class BagEmbeddings extends Embeddings {
  readonly #bag = new BagOfWords();
  scale = 3;
  dimensions = 64;

  constructor() {
    super({});
  }

  async embedDocuments(texts: string[]): Promise<number[][]> {
    const vectors = await this.#bag.embed(texts);
    return vectors.map((vector) => [...vector].slice(0, this.dimensions).map((value) => value * this.scale));
  }

  async embedQuery(text: string): Promise<number[]> {
    return (await this.embedDocuments([text]))[0] ?? [];
  }
}

async function searchWith(embeddings: BagEmbeddings, dimensions?: number) {
  const dir = await mkdtemp(join(tmpdir(), "skillwright-langchain-"));
  const options = { id: "bag-1", ...(dimensions === undefined ? {} : { dimensions }) };
  const embedder = () => openLangChainEmbedder(embeddings, options);
  const discovery = createDiscovery({ dir, source: new ChangingSource(SKILLS), embedder });
  const answer = await discovery.search("roman numerals of a year");
  await discovery.close();
  await rm(dir, { recursive: true });
  return answer;
}

test("any LangChain embeddings rank, whatever the length of their vectors", async () => {
  const { matches, mode } = await searchWith(new BagEmbeddings());
  expect(mode).toBe("hybrid");
  expect(matches[0]?.id).toBe("roman_numerals");
  expect(matches[0]?.cosine).toBeLessThanOrEqual(1.000001);
});

test("openLangChainEmbedder finds the dimensions by asking once, and names the model", async () => {
  const embedder = await openLangChainEmbedder(new BagEmbeddings(), { id: "bag-1" });
  expect({ id: embedder.id, dimensions: embedder.dimensions }).toEqual({
    id: "langchain/bag-1",
    dimensions: 64,
  });
});

test.each<[string, Partial<BagEmbeddings>, string]>([
  ["are shorter than promised", { dimensions: 12 }, "12 numbers instead of 64"],
  ["are not finite", { scale: Number.NaN }, "not finite"],
])("search is lexical, with the reason, when vectors %s", async (_, fault, reason) => {
  const { matches, mode, degraded } = await searchWith(Object.assign(new BagEmbeddings(), fault), 64);
  expect(mode).toBe("lexical");
  expect(degraded).toContain(reason);
  expect(matches[0]?.id).toBe("roman_numerals");
});

test("search is lexical when the embeddings stay silent, and the next search doesn't wait for them again", async () => {
  let asked = 0;
  const silent = {
    embedDocuments: () => (asked++, new Promise<never>(() => {})),
    embedQuery: () => Promise.resolve([1]),
  };
  const dir = await mkdtemp(join(tmpdir(), "skillwright-langchain-"));
  const embedder = () => openLangChainEmbedder(silent, { id: "silent", dimensions: 1, timeoutMs: 20 });
  const discovery = createDiscovery({ dir, source: new ChangingSource(SKILLS), embedder });
  for (let at = 0; at < 3; at++) {
    expect((await discovery.search("roman numerals")).degraded).toContain("no answer in 20 ms");
  }
  expect(asked).toBe(1);
  await discovery.close();
  await rm(dir, { recursive: true, force: true });
});
