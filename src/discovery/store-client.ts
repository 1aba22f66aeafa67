import type { VectorStoreInterface } from "@langchain/core/vectorstores";
import { sha256 } from "../base/digest.ts";
import { withDeadline } from "./deadline.ts";
import type { VectorPlan } from "./document-texts.ts";

const DEFAULT_TIMEOUT_MS = 60_000;
const BATCH = 128;
/** Where in a document's metadata our id stands. */
const KEY = "skillwright_vector";

/** How a LangChain vector store is used. */
export interface StoreClientOptions {
  /** Names the collection: it must belong to this home alone. Another name means that everything is put in again. */
  readonly id: string;
  /** A cosine from what the store calls a score. Default: the score, as stores of cosine similarity give it. */
  readonly toCosine?: (score: number) => number;
  /** How long one call of the store may take, in milliseconds. Default 60,000. */
  readonly timeoutMs?: number;
}

/**
 * The three calls of a LangChain vector store, each with a deadline. Vectors get ids that are UUIDs made of what they
 * stand for, because some stores take no others: so putting one in twice changes nothing.
 */
export class StoreClient {
  readonly id: string;
  readonly #store: VectorStoreInterface;
  readonly #toCosine: (score: number) => number;
  readonly #timeoutMs: number;

  constructor(store: VectorStoreInterface, options: StoreClientOptions) {
    const { id, toCosine = (score) => score, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
    this.id = id;
    this.#store = store;
    this.#toCosine = toCosine;
    this.#timeoutMs = timeoutMs;
  }

  async add(
    plans: readonly VectorPlan[],
    vectors: ReadonlyMap<string, Float32Array>,
    signal: AbortSignal,
  ): Promise<void> {
    for (let at = 0; at < plans.length; at += BATCH) {
      signal.throwIfAborted();
      const batch = plans.slice(at, at + BATCH);
      const ids = batch.map(({ id }) => this.#uuid(id));
      const numbers = batch.map(({ id }) => [...vectors.get(id) ?? []]);
      const documents = batch.map(({ id, document, kind, shown }, index) => ({
        pageContent: shown,
        metadata: { [KEY]: id, document, kind },
        id: ids[index] ?? "",
      }));
      await this.#call(this.#store.addVectors(numbers, documents, { ids }));
    }
  }

  async remove(ids: readonly string[]): Promise<void> {
    for (let at = 0; at < ids.length; at += BATCH) {
      const batch = ids.slice(at, at + BATCH).map((id) => this.#uuid(id));
      await this.#call(this.#store.delete({ ids: batch }));
    }
  }

  /** The nearest vectors by our ids, the best first; what isn't ours is left out. @param count how many at most */
  async nearest(query: Float32Array, count: number): Promise<{ cosines: Map<string, number>; all: boolean }> {
    const rows = await this.#call(this.#store.similaritySearchVectorWithScore([...query], count));
    const cosines = new Map<string, number>();
    for (const [{ metadata }, score] of rows) {
      const id: unknown = metadata[KEY];
      const cosine = this.#toCosine(score);
      if (!Number.isFinite(cosine)) throw new TypeError(`The vector store gave ${score} as a score`);
      if (typeof id === "string" && !(cosine <= (cosines.get(id) ?? -Infinity))) cosines.set(id, cosine);
    }
    return { cosines, all: rows.length < count };
  }

  #call<Result>(work: Promise<Result>): Promise<Result> {
    return withDeadline(work, this.#timeoutMs, `The vector store "${this.id}"`);
  }

  #uuid(id: string): string {
    const hex = sha256(`${this.id}\n${id}`);
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${
      hex.slice(20, 32)
    }`;
  }
}
