import MiniSearch from "minisearch";
import { lexicalFields } from "./document-texts.ts";
import type { IndexedDocument } from "./document-set.ts";
import { lexicalTerms } from "./words.ts";

/** More words than this in a query are a pasted text, and each costs a pass over its postings. */
const MAX_QUERY_TERMS = 128;

type Entry = { readonly id: number } & ReturnType<typeof lexicalFields>;

/** BM25 over documents, held in memory. A change costs what the changed documents hold. */
export class LexicalIndex {
  readonly #index = new MiniSearch<Entry>({
    fields: ["name", "description", "triggers", "body"],
    tokenize: lexicalTerms,
    processTerm: (term) => term,
    searchOptions: {
      boost: { name: 1.5, body: 0.5 },
      bm25: { k: 1.2, b: 0.7, d: 0 },
      tokenize: (query) => lexicalTerms(query).slice(0, MAX_QUERY_TERMS),
    },
  });

  /** @param removed with the texts that they were added with */
  update(removed: readonly IndexedDocument[], added: readonly IndexedDocument[]): void {
    for (const each of removed) this.#index.remove(entryOf(each));
    this.#index.addAll(added.map(entryOf));
  }

  /**
   * For each document its BM25 over the best BM25 of this query; 0 where no word is shared.
   *
   * @param positions place of each document, by its serial number, in the answer
   */
  shares(query: string, positions: ReadonlyMap<number, number>): Float32Array {
    const shares = new Float32Array(positions.size);
    const results = this.#index.search(query);
    const best = results[0]?.score ?? 0;
    for (const { id, score } of best > 0 ? results : []) {
      const at = positions.get(id as number);
      if (at !== undefined) shares[at] = score / best;
    }
    return shares;
  }
}

function entryOf({ serial, document }: IndexedDocument): Entry {
  return { id: serial, ...lexicalFields(document) };
}
