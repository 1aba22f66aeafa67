import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import type { VectorStoreInterface } from "@langchain/core/vectorstores";
import type { IndexedDocument } from "./document-set.ts";
import type { VectorPlan } from "./document-texts.ts";
import { embedPlans } from "./embed-plans.ts";
import type { GuardedEmbedder } from "./guarded-embedder.ts";
import type { SemanticIndex, SemanticUpdate, SemanticView } from "./semantic-index.ts";
import { StoreClient, type StoreClientOptions } from "./store-client.ts";
import { readLedger, writeLedger } from "./vector-ledger.ts";
import type { VectorSpace } from "./vector-store.ts";
import type { BestRows } from "./vectors.ts";

/** How many of the nearest vectors a large store is asked for; what lies behind them is found by its words. */
const MOST_NEAREST = 1_000;
/** What isn't ours may stand among the first. */
const NEAR_THE_TOP = 10;
const ROUNDING = 0.01;

/** Options of `LangChainVectors`. */
export interface LangChainVectorsOptions extends StoreClientOptions {
  /** File that keeps account of what was put in. */
  readonly ledger: string;
  readonly log?: (message: string) => void;
}

/**
 * Any LangChain `VectorStore` in place of ours. It gets our vectors; its own embeddings are not asked. A store can't be
 * asked what it holds: a ledger beside the home says so, and each opening looks for one vector to see whether that is
 * still true. What was lost besides is put in again by `rebuild`.
 */
export class LangChainVectors implements SemanticIndex {
  readonly #client: StoreClient;
  readonly #ledger: string;
  readonly #log: (message: string) => void;
  /** The space in which the store was seen to hold what was put in. */
  #seen: string | undefined;

  constructor(store: VectorStoreInterface, options: LangChainVectorsOptions) {
    this.#client = new StoreClient(store, options);
    this.#ledger = options.ledger;
    this.#log = options.log ?? (() => {});
  }

  async update(update: SemanticUpdate): Promise<SemanticView> {
    const { documents, embedder, signal, anew, mayWrite } = update;
    const space = await embedder.identity();
    const plans = documents.flatMap((each) => each.plans);
    const held = await this.#held(space, plans, embedder, signal);
    const lacking = anew ? plans : plans.filter(({ id }) => !held.has(id));
    const made = await embedPlans(lacking, embedder, signal);
    await this.#client.add(lacking, made, signal);
    const wanted = new Set(plans.map(({ id }) => id));
    // What another process put in for a later state stays.
    const stale = mayWrite ? [...held].filter((id) => !wanted.has(id)) : [];
    if (lacking.length + stale.length > 0) {
      await this.#note(space, [...held, ...wanted], stale);
      // After the ledger: what is there and not noted does no harm, what is noted and not there is never found.
      await this.#client.remove(stale).catch((error: Error) => {
        this.#log(`Old vectors stay in the vector store: ${error.message}`);
      });
    }
    await this.#check(space, plans, embedder, signal);
    return viewOf(documents, made.size, this.#client, (some) => embedPlans(some, embedder, signal));
  }

  /** Ids of what the store holds; none when it no longer holds what the ledger says. */
  async #held(
    space: VectorSpace,
    plans: readonly VectorPlan[],
    embedder: GuardedEmbedder,
    signal: AbortSignal,
  ): Promise<ReadonlySet<string>> {
    const noted = await readLedger(this.#ledger, this.#client.id, space);
    const known = plans.find(({ id }) => noted.has(id));
    if (this.#seen === space.id || known === undefined) return noted;
    if (isTheSame(await this.#bestFor(known, embedder, signal))) {
      this.#seen = space.id;
      return noted;
    }
    this.#log("The vector store has lost what was put in: all vectors are made again");
    return new Set();
  }

  /** @throws {TypeError} when the store doesn't find what was put in, or by scores that are no cosines */
  async #check(
    space: VectorSpace,
    plans: readonly VectorPlan[],
    embedder: GuardedEmbedder,
    signal: AbortSignal,
  ): Promise<void> {
    const [plan] = plans;
    if (plan === undefined || this.#seen === space.id) return;
    const cosine = await this.#bestFor(plan, embedder, signal);
    if (!isTheSame(cosine)) {
      const found = cosine === undefined ? "does not find it" : `gives ${cosine} as its cosine`;
      throw new TypeError(
        `The vector store "${this.#client.id}", asked for a vector that it holds, ${found}: give toCosine`,
      );
    }
    this.#seen = space.id;
  }

  /** The cosine of what stands first when the store is asked for that vector: itself, or one that is equal. */
  async #bestFor(
    plan: VectorPlan,
    embedder: GuardedEmbedder,
    signal: AbortSignal,
  ): Promise<number | undefined> {
    const vector = (await embedPlans([plan], embedder, signal)).get(plan.id);
    if (vector === undefined) return undefined;
    const [best] = (await this.#client.nearest(vector, NEAR_THE_TOP)).cosines.values();
    return best;
  }

  async #note(space: VectorSpace, ids: readonly string[], without: readonly string[]): Promise<void> {
    const gone = new Set(without);
    const noted = [...new Set(ids)].filter((id) => !gone.has(id));
    await mkdir(dirname(this.#ledger), { recursive: true, mode: 0o700 });
    await writeLedger(this.#ledger, { format: 1, store: this.#client.id, space, ids: noted });
  }
}

function isTheSame(cosine: number | undefined): boolean {
  return cosine !== undefined && Math.abs(1 - cosine) <= ROUNDING;
}

function viewOf(
  documents: readonly IndexedDocument[],
  made: number,
  client: StoreClient,
  embed: (plans: readonly VectorPlan[]) => Promise<ReadonlyMap<string, Float32Array>>,
): SemanticView {
  const plans = documents.flatMap((each) => each.plans);
  return {
    vectors: plans.length,
    made,
    best: async (query) => bestRows(documents, await nearest(client, query, plans)),
    async all() {
      const vectors = await embed(plans);
      return documents.map((each) =>
        each.plans.map(({ id }) => vectors.get(id)).filter((vector) => vector !== undefined)
      );
    },
  };
}

/** The cosines of all plans where there are not too many, else of the nearest; what else the store holds is in the way. */
async function nearest(
  client: StoreClient,
  query: Float32Array,
  plans: readonly VectorPlan[],
): Promise<ReadonlyMap<string, number>> {
  for (let count = plans.length + 1;; count *= 2) {
    const asked = Math.min(count, MOST_NEAREST);
    const { cosines, all } = await client.nearest(query, asked);
    if (all || asked === MOST_NEAREST || plans.every(({ id }) => cosines.has(id))) return cosines;
  }
}

/** What the store did not name is no nearer than the farthest that it named. */
function bestRows(documents: readonly IndexedDocument[], cosines: ReadonlyMap<string, number>): BestRows {
  const farthest = Math.min(1, ...cosines.values());
  const cosine = new Float32Array(documents.length).fill(cosines.size === 0 ? -1 : farthest);
  const row = new Int32Array(documents.length).fill(-1);
  for (const [owner, { plans }] of documents.entries()) {
    for (const [at, { id }] of plans.entries()) {
      const value = cosines.get(id);
      if (value === undefined || (row[owner] ?? -1) >= 0 && value <= (cosine[owner] ?? -1)) continue;
      cosine[owner] = value;
      row[owner] = at;
    }
  }
  return { cosine, row };
}
