import { join } from "node:path";
import { SkillError } from "../base/errors.ts";
import { embeddable, vectorPlans } from "./document-texts.ts";
import { GuardedEmbedder } from "./guarded-embedder.ts";
import { readIndexState, writeIndexState } from "./index-state.ts";
import { openMiniLmEmbedder } from "./minilm-embedder.ts";
import { type IndexedVectors, SearchIndex } from "./search-index.ts";
import { type SyncedVectors, syncVectors } from "./sync-vectors.ts";
import type {
  Discovery,
  DocumentSource,
  Embedder,
  SearchAnswer,
  SearchDocument,
  SearchOptions,
} from "./types.ts";
import type { VectorStore } from "./vector-store.ts";
import { VectraStore } from "./vectra-store.ts";

/** Options of `createDiscovery`. */
export interface DiscoveryOptions {
  /** Folder of the index; made when first written. */
  readonly dir: string;
  readonly source: DocumentSource;
  /**
   * What makes the vectors: an embedder, a function that opens one at first use (it is closed with the discovery),
   * or "none" for a lexical search. Default: the shipped model.
   */
  readonly embedder?: Embedder | (() => Promise<Embedder>) | "none";
  /** Where vectors last. Default: vectra in `dir`. */
  readonly store?: VectorStore;
  /** Told what was noticed and repaired. */
  readonly log?: (message: string) => void;
}

/**
 * Finds documents by meaning and by words. Nothing is read, imported or started before the first call. The index is
 * a projection of the source: whatever is missing, damaged or of another model is made again, and no search fails
 * for it. Without a working model search is lexical and says why.
 */
export function createDiscovery(options: DiscoveryOptions): Discovery {
  return new IndexedDiscovery(options);
}

/** What searches use until the source changes. */
interface Current {
  readonly revision: number;
  readonly index: SearchIndex;
  readonly degraded: string | undefined;
}

class IndexedDiscovery implements Discovery {
  readonly #source: DocumentSource;
  readonly #store: VectorStore;
  readonly #statePath: string;
  readonly #embedder: GuardedEmbedder | undefined;
  readonly #log: (message: string) => void;
  readonly #closing = new AbortController();
  #current: Current | undefined;
  #line: Promise<unknown> = Promise.resolve();

  constructor(
    { dir, source, store, log = () => {}, embedder = () => openMiniLmEmbedder() }: DiscoveryOptions,
  ) {
    this.#source = source;
    this.#store = store ?? new VectraStore(join(dir, "vectors"), log);
    this.#statePath = join(dir, "state.json");
    this.#embedder = embedder === "none" ? undefined : new GuardedEmbedder(embedder);
    this.#log = log;
  }

  async search(query: string, options?: SearchOptions): Promise<SearchAnswer> {
    this.#closing.signal.throwIfAborted();
    const { index, degraded } = await this.#upToDate();
    const text = embeddable(query);
    if (this.#embedder === undefined || !index.hasVectors || index.size === 0 || text === "") {
      return answer(index, text, null, degraded, options);
    }
    const embedded = await this.#embedder.embedQuery(text).catch((error: Error) => error);
    if (embedded instanceof Error) return answer(index, text, null, embedded.message, options);
    return answer(index, text, embedded, degraded, options);
  }

  sync(): Promise<void> {
    this.#embedder?.reset();
    return this.#bringUp();
  }

  rebuild(): Promise<void> {
    this.#embedder?.reset();
    return this.#inLine(async () => await this.#make(await this.#source.revision(), true));
  }

  async probe(): Promise<{ ok: boolean; model: string; reason?: string }> {
    this.#closing.signal.throwIfAborted();
    if (this.#embedder === undefined) return { ok: false, model: "none", reason: NO_MODEL };
    this.#embedder.reset();
    let model = "unknown";
    try {
      model = (await this.#embedder.identity()).id;
      await this.#embedder.embedQuery("probe");
      return { ok: true, model };
    } catch (error) {
      return { ok: false, model, reason: (error as Error).message };
    }
  }

  async close(): Promise<void> {
    this.#closing.abort(new SkillError("closed", "The search index was closed"));
    await this.#line.catch(() => {});
    await this.#embedder?.close();
    this.#current = undefined;
  }

  async #upToDate(): Promise<Current> {
    const revision = await this.#source.revision();
    if (!this.#isFresh(revision)) await this.#bringUp();
    if (this.#current === undefined) throw new SkillError("closed", "The search index was closed");
    return this.#current;
  }

  #bringUp(): Promise<void> {
    return this.#inLine(async () => {
      const revision = await this.#source.revision();
      if (!this.#isFresh(revision)) await this.#make(revision, false);
    });
  }

  /** An index without vectors is not good enough once the model may be tried again. */
  #isFresh(revision: number): boolean {
    if (this.#current?.revision !== revision) return false;
    return this.#current.index.hasVectors || this.#embedder?.ready !== true;
  }

  /** One at a time: two would embed the same texts and write over each other. */
  #inLine(work: () => Promise<void>): Promise<void> {
    const result = this.#line.then(() => {
      this.#closing.signal.throwIfAborted();
      return work();
    });
    this.#line = result.catch(() => {});
    return result;
  }

  async #make(revision: number, anew: boolean): Promise<void> {
    const documents = [...new Map((await this.#source.documents()).map((each) => [each.id, each])).values()];
    const { indexed, degraded } = await this.#vectors(documents, revision, anew);
    this.#current = { revision, index: new SearchIndex(documents, indexed), degraded };
  }

  async #vectors(
    documents: readonly SearchDocument[],
    revision: number,
    anew: boolean,
  ): Promise<{ indexed: IndexedVectors | null; degraded: string | undefined }> {
    const embedder = this.#embedder;
    if (embedder === undefined) return { indexed: null, degraded: NO_MODEL };
    const plans = documents.flatMap(vectorPlans);
    try {
      const synced = await syncVectors({
        plans,
        embedder,
        store: this.#store,
        signal: this.#closing.signal,
        anew,
      });
      await this.#save(synced, revision, documents.length);
      const { vectors, space: { dimensions } } = synced;
      return { indexed: { plans, vectors, dimensions }, degraded: undefined };
    } catch (error) {
      this.#closing.signal.throwIfAborted();
      const degraded = (error as Error).message;
      this.#log(`Search is lexical only: ${degraded}`);
      return { indexed: null, degraded };
    }
  }

  /** A home that can't be written is still searched: what was embedded is kept in memory. */
  async #save(synced: SyncedVectors, revision: number, documents: number): Promise<void> {
    const { space, changed, vectors } = synced;
    const state = await readIndexState(this.#statePath);
    if (state?.embedder === space.id && state.dimensions === space.dimensions) {
      if (state.revision === revision && !changed) return;
      // Another process wrote for a later revision while this one was embedding: its index is nearer to the truth.
      if (state.revision > revision && (await this.#source.revision()) > revision) return;
    }
    try {
      if (changed) await synced.save();
      await writeIndexState(this.#statePath, {
        format: 1,
        embedder: space.id,
        dimensions: space.dimensions,
        revision,
        documents,
        vectors: vectors.length,
      });
    } catch (error) {
      this.#log(`The index could not be written: ${(error as Error).message}`);
    }
  }
}

const NO_MODEL = "no embedding model was asked for";

function answer(
  index: SearchIndex,
  query: string,
  vector: Float32Array | null,
  degraded: string | undefined,
  options: SearchOptions | undefined,
): SearchAnswer {
  const mode = index.hasVectors && degraded === undefined ? "hybrid" : "lexical";
  return { ...index.search(query, vector, options), mode, ...(degraded === undefined ? {} : { degraded }) };
}
