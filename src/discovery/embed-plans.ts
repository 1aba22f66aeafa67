import type { VectorPlan } from "./document-texts.ts";
import type { GuardedEmbedder } from "./guarded-embedder.ts";
import { meanVector } from "./vectors.ts";

/** The vector of each plan by its id; equal texts are embedded once. @throws what the embedder throws */
export async function embedPlans(
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
