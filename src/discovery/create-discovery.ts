import { join } from "node:path";
import { SkillError } from "../base/errors.ts";
import { type DocumentChanges, documentChanges } from "./document-set.ts";
import { embeddable } from "./document-texts.ts";
import { findDuplicates } from "./duplicates.ts";
import { GuardedEmbedder } from "./guarded-embedder.ts";
import { type IndexState, readIndexState, writeIndexState } from "./index-state.ts";
import { LexicalIndex } from "./lexical-index.ts";
import { LocalVectors } from "./local-vectors.ts";
import { openMiniLmEmbedder } from "./minilm-embedder.ts";
import { type Found, SearchIndex } from "./search-index.ts";
import type { SemanticIndex, SemanticView } from "./semantic-index.ts";
import { placesOf } from "./trial.ts";
import type {
  Discovery,
  DocumentSource,
  DuplicatesAnswer,
  DuplicatesOptions,
  Embedder,
  ModelProbe,
  SearchAnswer,
  SearchDocument,
  SearchOptions,
  TrialAnswer,
} from "./types.ts";
import type { VectorStore } from "./vector-store.ts";
import { VectraStore } from "./vectra-store.ts";

/** Options of `createDiscovery`. */
export interface DiscoveryOptions {
  /** Folder of the index; made when first written. Without one nothing is read or written: each opening embeds all. */
  readonly dir?: string;
  readonly source: DocumentSource;
  /**
   * What makes the vectors: an embedder, a function that opens one at first use (it is closed with the discovery),
   * or "none" for a lexical search. Default: the shipped model.
   */
  readonly embedder?: Embedder | (() => Promise<Embedder>) | "none";
  /** Where vectors last and are searched. Default: vectra in `dir`, searched in memory. */
  readonly vectors?: SemanticIndex;
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
  readonly #vectors: SemanticIndex;
  readonly #statePath: string | undefined;
  readonly #embedder: GuardedEmbedder | undefined;
  readonly #log: (message: string) => void;
  readonly #closing = new AbortController();
  #lexical = new LexicalIndex();
  #serial = 0;
  #current: Current | undefined;
  #line: Promise<unknown> = Promise.resolve();

  constructor(
    { dir, source, vectors, log = () => {}, embedder = () => openMiniLmEmbedder() }: DiscoveryOptions,
  ) {
    this.#source = source;
    const store = dir === undefined ? NOTHING_STORED : new VectraStore(join(dir, "vectors"), log);
    this.#vectors = vectors ?? new LocalVectors(store, log);
    this.#statePath = dir === undefined ? undefined : join(dir, "state.json");
    this.#embedder = embedder === "none" ? undefined : new GuardedEmbedder(embedder);
    this.#log = log;
  }

  async search(query: string, options: SearchOptions = {}): Promise<SearchAnswer> {
    const { limit = 1 } = options;
    if (!Number.isInteger(limit) || limit < 1) {
      throw new RangeError(`limit must be a whole number above 0, not ${limit}`);
    }
    this.#closing.signal.throwIfAborted();
    await this.#bringUp();
    const text = embeddable(query);
    const { index, degraded } = this.#usable();
    if (this.#embedder === undefined || index.semantic === null || index.size === 0 || text === "") {
      return answer(await index.search(text, null, options), index, degraded);
    }
    try {
      const vector = await this.#embedder.embedQuery(text);
      // What changed while the query was embedded is in the answer.
      const { index, degraded } = this.#usable();
      return answer(await index.search(text, vector, options), index, degraded);
    } catch (error) {
      const { index } = this.#usable();
      return answer(await index.search(text, null, options), index, (error as Error).message);
    }
  }

  async duplicates(options: DuplicatesOptions = {}): Promise<DuplicatesAnswer> {
    this.#closing.signal.throwIfAborted();
    await this.#bringUp();
    const { index, degraded } = this.#usable();
    const found = await findDuplicates(index.documents, index.semantic, this.#closing.signal, options);
    return { ...found, ...modeOf(index, degraded) };
  }

  async trial(
    document: SearchDocument,
    texts: readonly string[],
    filter: (document: SearchDocument) => boolean,
  ): Promise<TrialAnswer> {
    const { signal } = this.#closing;
    signal.throwIfAborted();
    await this.#bringUp();
    const { index: { documents, semantic }, degraded = NO_MODEL } = this.#usable();
    const embedder = this.#embedder;
    if (semantic === null || embedder === undefined) return { places: [], degraded };
    try {
      return { places: await placesOf(document, texts, filter, { documents, semantic, embedder, signal }) };
    } catch (error) {
      signal.throwIfAborted();
      return { places: [], degraded: (error as Error).message };
    }
  }

  sync(): Promise<void> {
    this.#embedder?.reset();
    return this.#bringUp();
  }

  rebuild(): Promise<void> {
    this.#embedder?.reset();
    return this.#inLine(async () => await this.#make(await this.#source.revision(), true));
  }

  async probe(): Promise<ModelProbe> {
    this.#closing.signal.throwIfAborted();
    if (this.#embedder === undefined) return { ok: false, model: "none", reason: NO_MODEL };
    this.#embedder.reset();
    let model = "unknown";
    try {
      model = (await this.#embedder.identity()).id;
      await this.#embedder.embedQuery("probe");
      return { ok: true, model };
    } catch (error) {
      const { message, cause } = error as Error;
      const fix = SkillError.isInstance(cause) ? cause.fix : undefined;
      return { ok: false, model, reason: message, ...(fix === undefined ? {} : { fix }) };
    }
  }

  async close(): Promise<void> {
    this.#closing.abort(new SkillError("closed", "The search index was closed"));
    await this.#line.catch(() => {});
    await this.#embedder?.close();
    this.#current = undefined;
  }

  #usable(): Current {
    this.#closing.signal.throwIfAborted();
    if (this.#current === undefined) throw new SkillError("closed", "The search index was closed");
    return this.#current;
  }

  async #bringUp(): Promise<void> {
    if (this.#isFresh(await this.#source.revision())) return;
    await this.#inLine(async () => {
      const revision = await this.#source.revision();
      if (!this.#isFresh(revision)) await this.#make(revision, false);
    });
  }

  /** An index without vectors is not good enough once the model may be tried again. */
  #isFresh(revision: number): boolean {
    if (this.#current?.revision !== revision) return false;
    return this.#current.index.semantic !== null || this.#embedder?.ready !== true;
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

  /** Only what changed is embedded, written and indexed, unless `anew`. */
  async #make(revision: number, anew: boolean): Promise<void> {
    const before = anew ? [] : this.#current?.index.documents ?? [];
    const changes = documentChanges(before, await this.#source.documents(), this.#serial);
    const { view, degraded } = await this.#embedded(changes, revision, anew);
    // From here on nothing waits: no search sees the words of one state and the vectors of another.
    const { now, added, removed } = changes;
    this.#serial += added.length;
    if (anew) this.#lexical = new LexicalIndex();
    this.#lexical.update(removed, added);
    this.#current = { revision, index: new SearchIndex(now, this.#lexical, view), degraded };
  }

  async #embedded(
    { now, added, removed }: DocumentChanges,
    revision: number,
    anew: boolean,
  ): Promise<{ view: SemanticView | null; degraded: string | undefined }> {
    const { signal } = this.#closing;
    const embedder = this.#embedder;
    if (embedder === undefined) return { view: null, degraded: NO_MODEL };
    try {
      const newest = await this.#isNewest(revision);
      const view = await this.#vectors.update({ documents: now, embedder, signal, anew, mayWrite: newest });
      const { id, dimensions } = await embedder.identity();
      const state = { format: 1, embedder: id, dimensions, revision, documents: now.length } as const;
      const changed = view.made > 0 || this.#current !== undefined && added.length + removed.length > 0;
      if (newest) await this.#note({ ...state, vectors: view.vectors }, changed);
      return { view, degraded: undefined };
    } catch (error) {
      signal.throwIfAborted();
      const degraded = (error as Error).message;
      this.#log(`Search is lexical only: ${degraded}`);
      return { view: null, degraded };
    }
  }

  /** Whether no other process wrote for a later revision: its index would be nearer to the truth. */
  async #isNewest(revision: number): Promise<boolean> {
    const state = this.#statePath === undefined ? undefined : await readIndexState(this.#statePath);
    return state === undefined || state.revision <= revision || await this.#source.revision() <= revision;
  }

  async #note(state: IndexState, changed: boolean): Promise<void> {
    if (this.#statePath === undefined) return;
    const noted = await readIndexState(this.#statePath);
    if (!changed && JSON.stringify({ ...noted, revision: state.revision }) === JSON.stringify(state)) return;
    await writeIndexState(this.#statePath, state).catch((error: Error) => {
      this.#log(`The index state could not be written: ${error.message}`);
    });
  }
}

/** Keeps nothing: what was embedded lives in memory alone. */
const NOTHING_STORED: VectorStore = {
  read: () => Promise.resolve(new Map()),
  write: () => Promise.resolve(),
};
const NO_MODEL = "no embedding model was asked for";

function answer(found: Found, index: SearchIndex, degraded: string | undefined): SearchAnswer {
  return { ...found, ...modeOf(index, degraded) };
}

function modeOf(
  index: SearchIndex,
  degraded: string | undefined,
): { mode: "hybrid" | "lexical"; degraded?: string } {
  const mode = index.semantic !== null && degraded === undefined ? "hybrid" : "lexical";
  return { mode, ...(degraded === undefined ? {} : { degraded }) };
}
