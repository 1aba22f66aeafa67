import MiniSearch from "minisearch";
import { lexicalFields } from "./document-texts.ts";
import type { SearchDocument } from "./types.ts";
import { lexicalTerms } from "./words.ts";

/** More words than this in a query are a pasted text, and each costs a pass over its postings. */
const MAX_QUERY_TERMS = 128;

/** BM25 over documents, held in memory, made from them in one go and never changed. */
export class LexicalIndex {
  readonly #index: MiniSearch<{ readonly id: number }>;
  readonly #size: number;

  constructor(documents: readonly SearchDocument[]) {
    this.#size = documents.length;
    this.#index = new MiniSearch({
      fields: ["name", "description", "triggers", "body"],
      tokenize: lexicalTerms,
      processTerm: (term) => term,
      searchOptions: {
        boost: { name: 1.5, body: 0.5 },
        bm25: { k: 1.2, b: 0.7, d: 0 },
        tokenize: (query) => lexicalTerms(query).slice(0, MAX_QUERY_TERMS),
      },
    });
    this.#index.addAll(documents.map((document, id) => ({ id, ...lexicalFields(document) })));
  }

  /** For each document, in their order, its BM25 over the best BM25 of this query; 0 where no word is shared. */
  shares(query: string): Float32Array {
    const shares = new Float32Array(this.#size);
    const results = this.#index.search(query);
    const best = results[0]?.score ?? 0;
    if (best > 0) { for (const { id, score } of results) shares[id as number] = score / best; }
    return shares;
  }
}
