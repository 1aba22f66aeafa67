import type { IndexedDocument } from "./document-set.ts";
import { embedPlans } from "./embed-plans.ts";
import type { SemanticIndex, SemanticUpdate, SemanticView } from "./semantic-index.ts";
import type { StoredVector, VectorStore } from "./vector-store.ts";
import { VectorTable } from "./vectors.ts";

/** Vectors that a store keeps and gives back, scanned in memory: exact, and fastest up to some ten thousand. */
export class LocalVectors implements SemanticIndex {
  readonly #store: VectorStore;
  readonly #log: (message: string) => void;
  #before: { readonly space: string; readonly vectors: ReadonlyMap<string, StoredVector> } | undefined;

  constructor(store: VectorStore, log: (message: string) => void) {
    this.#store = store;
    this.#log = log;
  }

  async update({ documents, embedder, signal, anew, mayWrite }: SemanticUpdate): Promise<SemanticView> {
    const space = await embedder.identity();
    const stored = anew ? new Map<string, Float32Array>() : await this.#store.read(space);
    // Where nothing can be written, what was embedded before is only here.
    const before = anew || this.#before?.space !== space.id ? undefined : this.#before.vectors;
    const knownOf = (id: string) => stored.get(id) ?? before?.get(id)?.vector;
    const plans = documents.flatMap((each) => each.plans);
    const made = await embedPlans(plans.filter(({ id }) => knownOf(id) === undefined), embedder, signal);
    const wanted = new Map<string, StoredVector>();
    for (const { id, document, kind } of plans) {
      const vector = knownOf(id) ?? made.get(id);
      if (vector === undefined) throw new Error(`No vector was made for "${document}"`);
      wanted.set(id, { id, document, kind, vector });
    }
    this.#before = { space: space.id, vectors: wanted };
    // A home that can't be written is still searched: what was embedded is kept in memory.
    try {
      if (mayWrite) await this.#store.write(space, wanted, { anew });
    } catch (error) {
      this.#log(`The index could not be written: ${(error as Error).message}`);
    }
    return viewOf(documents, (id) => wanted.get(id)?.vector, space.dimensions, made.size);
  }
}

function viewOf(
  documents: readonly IndexedDocument[],
  vectorOf: (plan: string) => Float32Array | undefined,
  dimensions: number,
  made: number,
): SemanticView {
  const all = documents.map(({ plans }) =>
    plans.map(({ id }) => vectorOf(id) ?? new Float32Array(dimensions))
  );
  const table = new VectorTable(all, dimensions);
  return { vectors: table.rows, made, best: (query) => table.best(query), all: () => Promise.resolve(all) };
}
