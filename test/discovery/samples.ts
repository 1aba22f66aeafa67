import * as fc from "fast-check";
import type { DocumentSource, Embedder, SearchDocument } from "../../src/discovery/types.ts";
import { splitWords } from "../../src/discovery/words.ts";

/** A document with what a test doesn't care about filled in. */
export function sample(id: string, fields: Partial<SearchDocument> = {}): SearchDocument {
  return { id, name: id, description: `Does ${id}`, triggers: [], body: "", facets: {}, ...fields };
}

/** A source whose documents a test changes. */
export class ChangingSource implements DocumentSource {
  #documents: readonly SearchDocument[];
  #revision = 1;
  reads = 0;

  constructor(documents: readonly SearchDocument[] = []) {
    this.#documents = documents;
  }

  set(documents: readonly SearchDocument[]): void {
    this.#documents = documents;
    this.#revision++;
  }

  revision(): Promise<number> {
    return Promise.resolve(this.#revision);
  }

  documents(): Promise<readonly SearchDocument[]> {
    this.reads++;
    return Promise.resolve(this.#documents);
  }
}

/** A small real embedder: each word falls into one of the dimensions. It counts what it embeds, and can fail. */
export class BagOfWords implements Embedder {
  readonly id: string;
  readonly dimensions: number;
  readonly texts: string[] = [];
  queries = 0;
  failure: Error | undefined;
  closed = false;

  constructor(id = "bag", dimensions = 64) {
    this.id = id;
    this.dimensions = dimensions;
  }

  async embed(texts: readonly string[]): Promise<Float32Array[]> {
    await Promise.resolve();
    if (this.failure !== undefined) throw this.failure;
    this.texts.push(...texts);
    return texts.map((text) => this.#vector(text));
  }

  async embedQuery(text: string): Promise<Float32Array> {
    await Promise.resolve();
    if (this.failure !== undefined) throw this.failure;
    this.queries++;
    return this.#vector(text);
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }

  #vector(text: string): Float32Array {
    const vector = new Float32Array(this.dimensions);
    for (const word of splitWords(text)) {
      let hash = 7;
      for (const letter of word) hash = (hash * 31 + (letter.codePointAt(0) ?? 0)) % 1_000_003;
      const at = hash % this.dimensions;
      vector[at] = (vector[at] ?? 0) + 1;
    }
    return vector;
  }
}

/** A few skills that differ enough to be told apart. */
export const SKILLS: readonly SearchDocument[] = [
  sample("roman_numerals", {
    description: "Convert integers to Roman numerals and back",
    triggers: ["what is 1994 in roman numerals", "write a year the way ancient Rome did"],
    facets: { status: "active", tags: ["numbers"] },
  }),
  sample("weather", {
    description: "Current weather and forecast for a city",
    body: "temperature humidity wind barometer",
    facets: { status: "active", tags: ["net"] },
  }),
  sample("csv2json", {
    description: "Turn a CSV file into JSON records",
    facets: { status: "disabled", tags: [] },
  }),
  sample("word_count", {
    description: "Count the words of a text",
    facets: { status: "active", tags: ["text"] },
  }),
];

const word = fc.constantFrom("roman", "csv", "json", "weather", "count", "year", "zip");
const words = (least: number, most: number) =>
  fc.array(word, { minLength: least, maxLength: most }).map((some) => some.join(" "));

/** What may happen to a source: other documents each time, now and then seen by a process that was just opened. */
export const changes: fc.Arbitrary<{ documents: SearchDocument[]; reopen: boolean }[]> = fc.array(
  fc.record({
    documents: fc.array(
      fc.record({
        id: fc.constantFrom("a", "b", "c", "d", "e"),
        name: words(1, 2),
        description: words(0, 4),
        triggers: fc.array(words(1, 3), { maxLength: 2 }),
        body: words(0, 3),
        facets: fc.record({ status: fc.constantFrom("active", "disabled") }),
      }),
      { maxLength: 5 },
    ),
    reopen: fc.boolean(),
  }),
  { minLength: 1, maxLength: 5 },
);
