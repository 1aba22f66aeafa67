/** Something that can be found by what it does. Discovery knows nothing else about it. */
export interface SearchDocument {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  /** Sentences that should find it; each gets a vector of its own. */
  readonly triggers: readonly string[];
  /** Further text, for the lexical index only: tool descriptions, documentation. */
  readonly body: string;
  /** Facets to filter by; not indexed. */
  readonly facets: Readonly<Record<string, string | boolean | readonly string[]>>;
}

/** Where documents come from. `revision` changes whenever they do. */
export interface DocumentSource {
  revision(): Promise<number>;
  documents(): Promise<readonly SearchDocument[]>;
}

export interface SearchOptions {
  /** How many at most. Default 5. */
  readonly limit?: number;
  readonly filter?: (document: SearchDocument) => boolean;
  /** Leaves out what is not related to the query. Default false. */
  readonly relatedOnly?: boolean;
}

export interface SearchMatch {
  readonly id: string;
  /** Fused, 0 to 1; only comparable within one answer. */
  readonly score: number;
  /** Best cosine over the document's vectors; null when search was lexical only. */
  readonly cosine: number | null;
  /** BM25 over the best BM25 of this query, 0 to 1. */
  readonly lexical: number;
  /** False where neither meaning nor words come near enough to be worth looking at: "nothing fits". */
  readonly related: boolean;
  /** The text that matched best. */
  readonly matched: string;
}

export interface SearchAnswer {
  readonly matches: readonly SearchMatch[];
  /** Documents that passed the filter, found or not. */
  readonly total: number;
  /** How many of those are related to the query. */
  readonly related: number;
  readonly mode: "hybrid" | "lexical";
  /** Why search was lexical only. */
  readonly degraded?: string;
}

/** Turns texts into unit vectors. `id` names model file, text form and pooling: another id means re-embedding. */
export interface Embedder {
  readonly id: string;
  readonly dimensions: number;
  embed(texts: readonly string[]): Promise<Float32Array[]>;
  /** For models that embed queries in another way than documents. Default: `embed`. */
  embedQuery?(text: string): Promise<Float32Array>;
  /** Frees what the model holds. */
  close?(): Promise<void>;
}

/** Options of `duplicates`. */
export interface DuplicatesOptions {
  /** The least cosine. Default 0.9. */
  readonly atLeast?: number;
  /** How many pairs at most. Default 50. */
  readonly limit?: number;
}

/** Two documents that may do the same. */
export interface DuplicatePair {
  /** The lesser id. */
  readonly a: string;
  readonly b: string;
  /** `text`: they share a text, apart from case and punctuation; `words`: content words in their order; `meaning`: only the model says so. */
  readonly how: "text" | "words" | "meaning";
  /** Cosine of the two texts; null when there is no model. */
  readonly cosine: number | null;
  /** Which text of each. */
  readonly matched: { readonly a: string; readonly b: string };
}

/** Answer of `duplicates`: the surest pairs first, equal ones by their ids. */
export interface DuplicatesAnswer {
  readonly pairs: readonly DuplicatePair[];
  /** How many more there are. */
  readonly more: number;
  readonly mode: "hybrid" | "lexical";
  readonly degraded?: string;
}

/** Where a document would stand for a text. */
export interface TrialPlace {
  /** 1 is the first; null when it is too far from the text. */
  readonly rank: number | null;
  /** Ids of those before it, the first of them first; all that were found where it was not. */
  readonly ahead: readonly string[];
}

/** Answer of `trial`. */
export interface TrialAnswer {
  /** One for each text; none when search is lexical only, which would say something else. */
  readonly places: readonly TrialPlace[];
  readonly degraded?: string;
}

/** Answer of `probe`. */
export interface ModelProbe {
  readonly ok: boolean;
  readonly model: string;
  readonly reason?: string;
  /** What to do about it, where that is known. */
  readonly fix?: string;
}

export interface Discovery {
  search(query: string, options?: SearchOptions): Promise<SearchAnswer>;
  /** Brings the index up to the source; does nothing when it is. */
  sync(): Promise<void>;
  /** Pairs of documents that may do the same, for a person to look at. */
  duplicates(options?: DuplicatesOptions): Promise<DuplicatesAnswer>;
  /**
   * Where a document would stand for each text among those that pass the filter. It need not be indexed; it takes the
   * place of what has its id. Nothing is kept.
   */
  trial(
    document: SearchDocument,
    texts: readonly string[],
    filter: (document: SearchDocument) => boolean,
  ): Promise<TrialAnswer>;
  /** Throws the index away and makes it again. */
  rebuild(): Promise<void>;
  /** Whether the model loads, and why not. */
  probe(): Promise<ModelProbe>;
  close(): Promise<void>;
}
