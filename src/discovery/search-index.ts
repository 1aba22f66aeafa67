import { lexicalFields, type VectorPlan } from "./document-texts.ts";
import { fuse } from "./fusion.ts";
import { LexicalIndex } from "./lexical-index.ts";
import type { SearchDocument, SearchMatch, SearchOptions } from "./types.ts";
import { type BestRows, VectorTable } from "./vectors.ts";
import { lexicalTerms } from "./words.ts";

const DEFAULT_LIMIT = 5;
const MAX_SHOWN = 300;

/** The vectors of a `SearchIndex`: for each plan one. */
export interface IndexedVectors {
  readonly plans: readonly VectorPlan[];
  readonly vectors: readonly Float32Array[];
  readonly dimensions: number;
}

/** Documents ready to be searched: made in one go, never changed, so a search never sees half an update. */
export class SearchIndex {
  readonly #documents: readonly SearchDocument[];
  readonly #lexical: LexicalIndex;
  readonly #plans: readonly VectorPlan[];
  readonly #table: VectorTable | null;

  /** @param indexed null for a lexical index */
  constructor(documents: readonly SearchDocument[], indexed: IndexedVectors | null) {
    this.#documents = documents;
    this.#lexical = new LexicalIndex(documents);
    this.#plans = indexed?.plans ?? [];
    const numbers = new Map(documents.map(({ id }, at) => [id, at]));
    const owners = this.#plans.map(({ document }) => numbers.get(document) ?? 0);
    this.#table = indexed && new VectorTable(indexed.vectors, owners, documents.length, indexed.dimensions);
  }

  get size(): number {
    return this.#documents.length;
  }

  get hasVectors(): boolean {
    return this.#table !== null;
  }

  /**
   * The best documents that pass the filter, best first, equal ones by their ids. Scores stand against the whole
   * index, so a filter takes matches away without changing the others.
   *
   * @param vector of the query; null for a lexical search, which finds only what shares a word with the query
   */
  search(
    query: string,
    vector: Float32Array | null,
    options: SearchOptions = {},
  ): { matches: SearchMatch[]; total: number } {
    const { limit = DEFAULT_LIMIT, filter = () => true } = options;
    if (!Number.isInteger(limit) || limit < 1) {
      throw new RangeError(`limit must be a whole number above 0, not ${limit}`);
    }
    const lexical = this.#lexical.shares(query);
    const best = vector === null ? null : this.#table?.best(vector) ?? null;
    const scores = fuse(best?.cosine ?? null, lexical);
    const passing = [...this.#documents.keys()].filter((at) => filter(this.#at(at)));
    const eligible = best === null ? passing.filter((at) => (scores[at] ?? 0) > 0) : passing;
    const order = (a: number, b: number) =>
      (scores[b] ?? 0) - (scores[a] ?? 0) || (this.#at(a).id < this.#at(b).id ? -1 : 1);
    const matches = firstOf(eligible, limit, order).map((at) => ({
      id: this.#at(at).id,
      score: scores[at] ?? 0,
      cosine: best?.cosine[at] ?? null,
      lexical: lexical[at] ?? 0,
      matched: this.#matched(at, best, query).slice(0, MAX_SHOWN),
    }));
    return { matches, total: passing.length };
  }

  #matched(at: number, best: BestRows | null, query: string): string {
    if (best !== null) return this.#plans[best.row[at] ?? -1]?.shown ?? "";
    const { name, description, triggers } = lexicalFields(this.#at(at));
    const wanted = new Set(lexicalTerms(query));
    const shared = (text: string) => new Set(lexicalTerms(text).filter((term) => wanted.has(term))).size;
    return [description, name, ...triggers.split("\n")]
      .reduce((most, text) => shared(text) > shared(most) ? text : most);
  }

  #at(at: number): SearchDocument {
    const document = this.#documents[at];
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
