import type { VectorPlan } from "./document-texts.ts";
import type { GuardedEmbedder } from "./guarded-embedder.ts";
import type { StoredVector, VectorSpace, VectorStore } from "./vector-store.ts";
import { meanVector } from "./vectors.ts";

/** What `syncVectors` works with. */
export interface VectorSync {
  readonly plans: readonly VectorPlan[];
  readonly embedder: GuardedEmbedder;
  readonly store: VectorStore;
  readonly signal: AbortSignal;
  /** Embeds everything, whatever the store holds. */
  readonly anew: boolean;
}

/** What `syncVectors` found or made. */
export interface SyncedVectors {
  readonly space: VectorSpace;
  /** One for each plan, in their order. */
  readonly vectors: readonly Float32Array[];
  /** Whether the store holds something else than these. */
  readonly changed: boolean;
  /** Makes the store hold these and no others. */
  save(): Promise<void>;
}

/** The vector of each plan: from the store where it has it, embedded where it hasn't. @throws what the embedder throws */
export async function syncVectors(sync: VectorSync): Promise<SyncedVectors> {
  const space = await sync.embedder.identity();
  const known = sync.anew ? new Map<string, Float32Array>() : await sync.store.read(space);
  const made = await embedPlans(sync.plans.filter(({ id }) => !known.has(id)), sync.embedder, sync.signal);
  const wanted = new Map<string, StoredVector>();
  const vectors = sync.plans.map(({ id, document, kind }) => {
    const vector = known.get(id) ?? made.get(id);
    if (vector === undefined) throw new Error(`No vector was made for "${document}"`);
    wanted.set(id, { id, document, kind, vector });
    return vector;
  });
  const changed = sync.anew || made.size > 0 || known.size !== wanted.size;
  return { space, vectors, changed, save: () => sync.store.write(space, wanted, { anew: sync.anew }) };
}

async function embedPlans(
  plans: readonly VectorPlan[],
  embedder: GuardedEmbedder,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Float32Array>> {
  const texts = [...new Set(plans.flatMap((plan) => plan.texts))];
  const vectors = await embedder.embed(texts, signal);
  const byText = new Map(texts.map((text, at) => [text, vectors[at]]));
  return new Map(plans.map(({ id, texts }) => {
    const parts = texts.map((text) => byText.get(text)).filter((vector) => vector !== undefined);
    return [id, meanVector(parts)];
  }));
}
