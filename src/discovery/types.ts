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
}

export interface SearchMatch {
  readonly id: string;
  /** Fused, 0 to 1; only comparable within one answer. */
  readonly score: number;
  /** Best cosine over the document's vectors; null when search was lexical only. */
  readonly cosine: number | null;
  /** BM25 over the best BM25 of this query, 0 to 1. */
  readonly lexical: number;
  /** The text that matched best. */
  readonly matched: string;
}

export interface SearchAnswer {
  readonly matches: readonly SearchMatch[];
  /** Documents that passed the filter, found or not. */
  readonly total: number;
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

export interface Discovery {
  search(query: string, options?: SearchOptions): Promise<SearchAnswer>;
  /** Brings the index up to the source; does nothing when it is. */
  sync(): Promise<void>;
  /** Throws the index away and makes it again. */
  rebuild(): Promise<void>;
  /** Whether the model loads, and why not. */
  probe(): Promise<{ readonly ok: boolean; readonly model: string; readonly reason?: string }>;
  close(): Promise<void>;
}
