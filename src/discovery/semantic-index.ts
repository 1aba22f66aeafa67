import type { IndexedDocument } from "./document-set.ts";
import type { GuardedEmbedder } from "./guarded-embedder.ts";
import type { BestRows } from "./vectors.ts";

/** What a `SemanticIndex` is brought up with. */
export interface SemanticUpdate {
  /** All that it shall stand for. */
  readonly documents: readonly IndexedDocument[];
  readonly embedder: GuardedEmbedder;
  readonly signal: AbortSignal;
  /** Embeds everything, whatever is held. */
  readonly anew: boolean;
  /** Whether what is held may be changed: not for documents that another process has left behind. */
  readonly mayWrite: boolean;
}

/** Vectors of documents, found by nearness. One contract suite runs on every implementation. */
export interface SemanticIndex {
  /**
   * Makes it stand for these documents, embedding only what it lacks. Whatever is missing, damaged or of another model
   * is made again.
   *
   * @throws what the embedder throws; what a store that isn't ours throws
   */
  update(update: SemanticUpdate): Promise<SemanticView>;
}

/** The documents of one update, ready to be searched; a later update leaves it as it is. */
export interface SemanticView {
  /** How many vectors there are. */
  readonly vectors: number;
  /** How many of them were made by this update. */
  readonly made: number;
  /** For each document, in the order of the update, its best vector's cosine; `row` is the plan's place among the document's. */
  best(query: Float32Array): BestRows | Promise<BestRows>;
  /** The vectors of each document's plans, in their order. @throws what the embedder throws, where they have to be made */
  all(): Promise<readonly (readonly Float32Array[])[]>;
}
