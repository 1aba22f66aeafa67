import { setImmediate } from "node:timers/promises";
import type { IndexedDocument } from "./document-set.ts";
import { textKey, wordsKey } from "./reuse.ts";
import type { SemanticView } from "./semantic-index.ts";
import type { DuplicatePair, DuplicatesOptions } from "./types.ts";
import { VectorTable } from "./vectors.ts";

const DEFAULT_LEAST_COSINE = 0.9;
const DEFAULT_LIMIT = 50;
/** What a report keeps in memory: in a home of copies every pair is one. */
const MAX_PAIRS = 100_000;
const MAX_SHOWN = 300;
const SUREST_FIRST = ["text", "words", "meaning"] as const;

/** A text of a document: its place among the documents, and that of its plan. */
type Place = readonly [document: number, plan: number];
type Add = (how: DuplicatePair["how"], one: Place, other: Place) => void;

/**
 * Pairs of documents that may do the same: those that share a text or its content words, and those whose nearest texts
 * have a cosine of `atLeast`. Nearness proves nothing: "decimal to binary" and "binary to decimal" have one of .99.
 *
 * @param semantic null when there is no model: then words alone decide
 */
export async function findDuplicates(
  documents: readonly IndexedDocument[],
  semantic: SemanticView | null,
  signal: AbortSignal,
  { atLeast = DEFAULT_LEAST_COSINE, limit = DEFAULT_LIMIT }: DuplicatesOptions,
): Promise<{ pairs: DuplicatePair[]; more: number }> {
  const vectors = semantic === null ? null : await semantic.all();
  const found = new Map<string, DuplicatePair>();
  const add: Add = (how, one, other) => {
    const [first, second] = idAt(documents, one) < idAt(documents, other) ? [one, other] : [other, one];
    const a = idAt(documents, first), b = idAt(documents, second);
    const key = JSON.stringify([a, b]);
    if (found.has(key) || found.size >= MAX_PAIRS) return;
    const matched = { a: textAt(documents, first), b: textAt(documents, second) };
    found.set(key, { a, b, how, cosine: vectors && cosineOf(vectors, one, other), matched });
  };
  byKey(documents, "text", textKey, add);
  byKey(documents, "words", wordsKey, add);
  if (vectors !== null) await byMeaning(vectors, atLeast, signal, add);
  const pairs = [...found.values()].sort(bySureness);
  return { pairs: pairs.slice(0, limit), more: Math.max(0, pairs.length - limit) };
}

/** Documents that have a text's key in common. */
function byKey(
  documents: readonly IndexedDocument[],
  how: DuplicatePair["how"],
  keyOf: (text: string) => string,
  add: Add,
): void {
  const groups = new Map<string, Place[]>();
  for (const [at, { plans }] of documents.entries()) {
    for (const [plan, { shown }] of plans.entries()) {
      const key = keyOf(shown);
      if (key === "") continue;
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [[at, plan]]);
      else if (group.at(-1)?.[0] !== at) group.push([at, plan]);
    }
  }
  for (const group of groups.values()) {
    for (const [at, one] of group.entries()) {
      for (const other of group.slice(at + 1)) add(how, one, other);
    }
  }
}

/** Documents whose nearest texts are near enough. */
async function byMeaning(
  vectors: readonly (readonly Float32Array[])[],
  atLeast: number,
  signal: AbortSignal,
  add: Add,
): Promise<void> {
  const table = new VectorTable(vectors, vectors[0]?.[0]?.length ?? 0);
  for (const [one, own] of vectors.entries()) {
    // A report on thousands takes seconds: whoever else uses this process gets a turn.
    if (one % 16 === 0) await setImmediate();
    signal.throwIfAborted();
    const best = new Map<number, { cosine: number; plan: number; row: number }>();
    for (const [plan, vector] of own.entries()) {
      const { cosine, row } = table.best(vector);
      for (let other = one + 1; other < vectors.length; other++) {
        const value = cosine[other] ?? -1;
        if (value < atLeast || value <= (best.get(other)?.cosine ?? -1)) continue;
        best.set(other, { cosine: value, plan, row: row[other] ?? -1 });
      }
    }
    for (const [other, { plan, row }] of best) add("meaning", [one, plan], [other, row]);
  }
}

function bySureness(x: DuplicatePair, y: DuplicatePair): number {
  return SUREST_FIRST.indexOf(x.how) - SUREST_FIRST.indexOf(y.how) ||
    (y.cosine ?? 0) - (x.cosine ?? 0) || compare(x.a, y.a) || compare(x.b, y.b);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function cosineOf(
  vectors: readonly (readonly Float32Array[])[],
  one: Place,
  other: Place,
): number | null {
  const a = vectors[one[0]]?.[one[1]], b = vectors[other[0]]?.[other[1]];
  if (a === undefined || b === undefined) return null;
  return a.reduce((sum, value, at) => sum + value * (b[at] ?? 0), 0);
}

function idAt(documents: readonly IndexedDocument[], [at]: Place): string {
  return documents[at]?.document.id ?? "";
}

function textAt(documents: readonly IndexedDocument[], [at, plan]: Place): string {
  return documents[at]?.plans[plan]?.shown.slice(0, MAX_SHOWN) ?? "";
}
