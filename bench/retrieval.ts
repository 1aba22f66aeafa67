// Retrieval quality of the product's own search on public sets: tools as skills, queries as intents.
//   node bench/retrieval.ts [--json]     with --json the last line is one JSON object
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import process from "node:process";
import { createDiscovery } from "../src/discovery/create-discovery.ts";
import { openMiniLmEmbedder } from "../src/discovery/minilm-embedder.ts";
import { sameText, strongCandidate } from "../src/discovery/reuse.ts";
import type { Discovery, Embedder, SearchDocument } from "../src/discovery/types.ts";

const DATA = join(import.meta.dirname, "..", "test", "data", "retrieval");
/** Embedding 3,605 tools takes minutes: the product's own index keeps the vectors between runs. */
const CACHE = join(tmpdir(), "skillwright-bench-retrieval");

interface Query {
  readonly query: string;
  readonly gold: readonly string[];
  readonly split: string;
}

interface Figures {
  readonly r1: number;
  readonly r5: number;
  readonly ndcg10: number;
  readonly mrr: number;
}

const RANKINGS = ["lexical", "model", "product"] as const;
type Ranking = (typeof RANKINGS)[number];

const log = (line: string) => process.stderr.write(`${line}\n`);

async function main(): Promise<void> {
  const table: { set: string; ranking: Ranking; queries: number; figures: Figures }[] = [];
  for (
    const [set, split, name] of [
      ["metatool", "multi", "metatool_multi"],
      ["metatool", "single", "metatool_single"],
      ["toolret-apigen", "test", "toolret_apigen"],
    ] as const
  ) {
    const queries = rows<Query>(join(set, "queries.jsonl")).filter((query) => query.split === split);
    const results = await evaluate(set, documentsOf(set), queries);
    for (const ranking of RANKINGS) {
      table.push({ set: name, ranking, queries: queries.length, figures: results[ranking] });
    }
  }
  const reuse = reuseFigures();
  const speed = await speedFigures();
  printTable(table);
  log(JSON.stringify({ reuse, speed }, null, 2));
  if (!process.argv.includes("--json")) return;
  const only = (key: keyof Figures, ranking: Ranking) =>
    Object.fromEntries(
      table.filter((row) => row.ranking === ranking).map((row) => [row.set, round(row.figures[key])]),
    );
  const all = (ranking: Ranking) =>
    Object.fromEntries((["r1", "r5", "ndcg10", "mrr"] as const).map((key) => [key, only(key, ranking)]));
  console.log(
    JSON.stringify({
      ndcg10: only("ndcg10", "product"),
      ...speed,
      ...reuse,
      rankings: { lexical: all("lexical"), model: all("model"), product: all("product") },
    }),
  );
}

async function evaluate(
  set: string,
  documents: readonly SearchDocument[],
  queries: readonly Query[],
): Promise<Record<Ranking, Figures>> {
  const source = { revision: () => Promise.resolve(1), documents: () => Promise.resolve(documents) };
  const product = createDiscovery({ dir: join(CACHE, set), source, log });
  const words = createDiscovery({ dir: join(CACHE, "none"), source, embedder: "none" });
  await product.sync();
  const ranked: Record<Ranking, string[][]> = { lexical: [], model: [], product: [] };
  for (const { query } of queries) {
    const { matches, mode, degraded } = await product.search(query, { limit: documents.length });
    if (mode !== "hybrid") throw new Error(`The model can't be used: ${degraded}`);
    ranked.product.push(matches.map(({ id }) => id));
    ranked.model.push(matches.toSorted((a, b) => (b.cosine ?? 0) - (a.cosine ?? 0)).map(({ id }) => id));
    ranked.lexical.push((await words.search(query, { limit: documents.length })).matches.map(({ id }) => id));
  }
  await product.close();
  const figures = (ranking: Ranking) =>
    mean(queries.map(({ gold }, at) => judge(ranked[ranking][at] ?? [], gold)));
  return { lexical: figures("lexical"), model: figures("model"), product: figures("product") };
}

function judge(ids: readonly string[], gold: readonly string[]): Figures {
  const ranks = gold.map((id) => ids.indexOf(id)).filter((rank) => rank >= 0).sort((a, b) => a - b);
  const recall = (depth: number) => ranks.filter((rank) => rank < depth).length / gold.length;
  const gain = (rank: number) => 1 / Math.log2(rank + 2);
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const ideal = sum(gold.slice(0, 10).map((_, rank) => gain(rank)));
  return {
    r1: recall(1),
    r5: recall(5),
    ndcg10: sum(ranks.filter((rank) => rank < 10).map(gain)) / ideal,
    mrr: ranks[0] === undefined ? 0 : 1 / (ranks[0] + 1),
  };
}

/** What is reused unverified (the same text), and what is only a strong candidate, on intents of nearly equal wording. */
function reuseFigures(): Record<string, number> {
  const pairs = rows<{ a: string; b: string; same: boolean }>("near_duplicate_intents.jsonl");
  const precision = (rule: (a: string, b: string) => boolean) => {
    const taken = pairs.filter(({ a, b }) => rule(a, b));
    return { taken, value: taken.length === 0 ? 1 : taken.filter(({ same }) => same).length / taken.length };
  };
  const unverified = precision(sameText);
  const strong = precision((a, b) => strongCandidate(a, [b]) !== undefined);
  const same = pairs.filter((pair) => pair.same).length;
  return {
    reuse_precision: round(unverified.value),
    reuse_taken: unverified.taken.length,
    strong_candidate_precision: round(strong.value),
    strong_candidate_recall: round(strong.taken.filter((pair) => pair.same).length / same),
  };
}

async function speedFigures(): Promise<Record<string, number>> {
  const openStart = performance.now();
  const model = await openMiniLmEmbedder();
  const opening = performance.now() - openStart;
  const loadStart = performance.now();
  await model.embed(["turn a year into roman numerals"]);
  const load = performance.now() - loadStart;
  const figures: Record<string, number> = { model_load_ms: round(load) };
  for (const [name, size] of [["1k", 1_000], ["10k", 10_000]] as const) {
    const documents = manyDocuments(size);
    let revision = 1;
    const source = { revision: () => Promise.resolve(revision), documents: () => Promise.resolve(documents) };
    const open = () =>
      createDiscovery({ dir: join(CACHE, `speed-${name}`), source, embedder: cheap(model), log });
    const discovery = open();
    await discovery.sync();
    // Side by side, because the machine's speed changes within a run.
    const [search, embed] = await medians(100, [
      (at) => discovery.search(`turn the year ${at} into roman numerals`),
      (at) => model.embed([`turn the year ${at} into roman numerals`]),
    ]);
    figures["embed_ms"] = round(embed ?? 0);
    figures[`search_${name}_ms_vs_embed`] = round((search ?? 0) / (embed ?? 1));
    // The first change of a process imports vectra as well; the others are what a change costs.
    const changes = await changeTimes(discovery, documents, () => revision++);
    figures[`first_upsert_${name}_ms`] = round(changes[0] ?? 0);
    const ordered = changes.slice(1).sort((a, b) => a - b);
    figures[`upsert_${name}_ms`] = round(ordered[Math.floor(ordered.length / 2)] ?? 0);
    figures[`slowest_upsert_${name}_ms`] = round(ordered.at(-1) ?? 0);
    await discovery.close();
    figures[`open_${name}_ms`] = round(await openTime(open()));
  }
  figures["first_search_ms_vs_load"] = round(((figures["open_1k_ms"] ?? 0) + opening + load) / load);
  await model.close?.();
  return figures;
}

/** Milliseconds of each of some changes in turn: a document comes, a text changes, a document goes. */
async function changeTimes(
  discovery: Discovery,
  documents: SearchDocument[],
  moved: () => void,
): Promise<number[]> {
  const times: number[] = [];
  for (let at = 0; at < 30; at++) {
    const [document] = documents;
    if (document === undefined) throw new RangeError("No documents");
    const changed = { ...document, description: `Changed at ${Date.now()}, ${at}` };
    if (at % 3 === 0) documents.push({ ...changed, id: `added-${at}` });
    if (at % 3 === 1) documents[at * 7] = { ...changed, id: documents[at * 7]?.id ?? "" };
    if (at % 3 === 2) documents.splice(at * 11, 1);
    moved();
    const start = performance.now();
    await discovery.sync();
    times.push(performance.now() - start);
  }
  return times;
}

async function openTime(discovery: Discovery): Promise<number> {
  const start = performance.now();
  await discovery.search("turn a year into roman numerals");
  const spent = performance.now() - start;
  await discovery.close();
  return spent;
}

/** Documents get made-up vectors, queries real ones: the speed of a search doesn't depend on what the vectors say. */
function cheap(model: Embedder): Embedder {
  let seed = 1;
  const random = () => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return seed / 2 ** 30 - 1;
  };
  return {
    id: "speed",
    dimensions: model.dimensions,
    embed: (texts) =>
      Promise.resolve(texts.map(() => Float32Array.from({ length: model.dimensions }, random))),
    embedQuery: async (text) => (await model.embed([text]))[0] ?? new Float32Array(model.dimensions),
  };
}

function manyDocuments(count: number): SearchDocument[] {
  const tools = documentsOf("toolret-apigen");
  return Array.from({ length: count }, (_, at) => {
    const tool = tools[at % tools.length];
    if (tool === undefined) throw new RangeError("No tools");
    return { ...tool, id: `${tool.id}-${at}` };
  });
}

function documentsOf(set: string): SearchDocument[] {
  const tools = rows<{ id: string; name: string; description: string; text: string }>(
    join(set, "tools.jsonl"),
  );
  return tools.map(({ id, name, description, text }) => {
    const body = text.startsWith("{") ? parameterText(text) : "";
    return { id, name, description, triggers: [], body, facets: {} };
  });
}

/** What a skill's body says of its tools' inputs: names and descriptions. */
function parameterText(text: string): string {
  const { parameters = {} } = JSON.parse(text) as { parameters?: Record<string, { description?: string }> };
  return Object.entries(parameters).map(([name, { description = "" }]) => `${name}: ${description}`).join(
    "\n",
  );
}

async function medians(
  count: number,
  works: readonly ((at: number) => Promise<unknown>)[],
): Promise<number[]> {
  const times = works.map((): number[] => []);
  for (let at = 0; at < count; at++) {
    for (const [which, work] of works.entries()) {
      const start = performance.now();
      await work(at);
      times[which]?.push(performance.now() - start);
    }
  }
  return times.map((each) => each.sort((a, b) => a - b)[Math.floor(count / 2)] ?? 0);
}

function mean(all: readonly Figures[]): Figures {
  const average = (key: keyof Figures) => all.reduce((sum, each) => sum + each[key], 0) / all.length;
  return { r1: average("r1"), r5: average("r5"), ndcg10: average("ndcg10"), mrr: average("mrr") };
}

function printTable(
  table: readonly { set: string; ranking: Ranking; queries: number; figures: Figures }[],
): void {
  console.log("| set | queries | ranking | R@1 | R@5 | nDCG@10 | MRR |\n|---|---|---|---|---|---|---|");
  for (const { set, queries, ranking, figures: { r1, r5, ndcg10, mrr } } of table) {
    const cells = [set, queries, ranking, ...[r1, r5, ndcg10, mrr].map((value) => value.toFixed(3))];
    console.log(`| ${cells.join(" | ")} |`);
  }
}

function rows<Row>(path: string): Row[] {
  return readFileSync(join(DATA, path), "utf8").trim().split("\n").map((line) => JSON.parse(line) as Row);
}

function round(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}

await main();
