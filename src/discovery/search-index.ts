import { lexicalFields } from "./document-texts.ts";
import type { IndexedDocument } from "./document-set.ts";
import { isRelated } from "./floor.ts";
import { fuse } from "./fusion.ts";
import type { LexicalIndex } from "./lexical-index.ts";
import type { SemanticView } from "./semantic-index.ts";
import type { SearchDocument, SearchMatch, SearchOptions } from "./types.ts";
import type { BestRows } from "./vectors.ts";
import { lexicalTerms } from "./words.ts";

const DEFAULT_LIMIT = 5;
const MAX_SHOWN = 300;

/** What a search found. */
export interface Found {
  readonly matches: SearchMatch[];
  readonly total: number;
  readonly related: number;
}

/**
 * Documents ready to be searched. The lexical index is the same for all of a home's states, so only the newest
 * `SearchIndex` may be asked; it takes the words' scores before it waits for anything.
 */
export class SearchIndex {
  /** In the order of the source. */
  readonly documents: readonly IndexedDocument[];
  readonly semantic: SemanticView | null;
  readonly #positions: ReadonlyMap<number, number>;
  readonly #lexical: LexicalIndex;

  /** @param semantic null for a lexical index */
  constructor(
    documents: readonly IndexedDocument[],
    lexical: LexicalIndex,
    semantic: SemanticView | null,
  ) {
    this.documents = documents;
    this.#positions = new Map(documents.map(({ serial }, at) => [serial, at]));
    this.#lexical = lexical;
    this.semantic = semantic;
  }

  get size(): number {
    return this.documents.length;
  }

  /**
   * The best documents that pass the filter, best first, equal ones by their ids. Scores stand against the whole
   * index, so a filter takes matches away without changing the others.
   *
   * @param vector of the query; null for a lexical search, which finds only what shares a word with the query
   * @throws what a store that isn't ours throws
   */
  async search(query: string, vector: Float32Array | null, options: SearchOptions = {}): Promise<Found> {
    const { limit = DEFAULT_LIMIT, filter = () => true, relatedOnly = false } = options;
    const lexical = this.#lexical.shares(query, this.#positions);
    const best = vector === null || this.semantic === null ? null : await this.semantic.best(vector);
    const scores = fuse(best?.cosine ?? null, lexical);
    const passing = [...this.documents.keys()].filter((at) => filter(this.#at(at)));
    const related = (at: number) => isRelated(best?.cosine[at] ?? null, lexical[at] ?? 0);
    const near = passing.filter(related);
    // Without a model every document that shares a word is related, and no other is found.
    const eligible = relatedOnly || best === null ? near : passing;
    const order = (a: number, b: number) =>
      (scores[b] ?? 0) - (scores[a] ?? 0) || (this.#at(a).id < this.#at(b).id ? -1 : 1);
    const matches = firstOf(eligible, limit, order).map((at) => ({
      id: this.#at(at).id,
      score: scores[at] ?? 0,
      cosine: best?.cosine[at] ?? null,
      lexical: lexical[at] ?? 0,
      related: related(at),
      matched: this.#matched(at, best, query).slice(0, MAX_SHOWN),
    }));
    return { matches, total: passing.length, related: near.length };
  }

  #matched(at: number, best: BestRows | null, query: string): string {
    const text = best === null ? undefined : this.documents[at]?.plans[best.row[at] ?? -1]?.shown;
    if (text !== undefined) return text;
    const { name, description, triggers } = lexicalFields(this.#at(at));
    const wanted = new Set(lexicalTerms(query));
    const shared = (text: string) => new Set(lexicalTerms(text).filter((term) => wanted.has(term))).size;
    return [description, name, ...triggers.split("\n")]
      .reduce((most, text) => shared(text) > shared(most) ? text : most);
  }

  #at(at: number): SearchDocument {
    const document = this.documents[at]?.document;
    if (document === undefined) throw new RangeError(`There is no document ${at}`);
    return document;
  }
}

/** The first `count` in that order: one pass, because only a handful of thousands is wanted. */
function firstOf(
  numbers: readonly number[],
  count: number,
  order: (a: number, b: number) => number,
): number[] {
  const first: number[] = [];
  for (const number of numbers) {
    const last = first[count - 1];
    if (last !== undefined && order(last, number) <= 0) continue;
    let low = 0, high = first.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (order(first[middle] ?? number, number) <= 0) low = middle + 1;
      else high = middle;
    }
    first.splice(low, 0, number);
    if (first.length > count) first.pop();
  }
  return first;
}
