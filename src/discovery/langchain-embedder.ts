import type { EmbeddingsInterface } from "@langchain/core/embeddings";
import { withDeadline } from "./deadline.ts";
import type { Embedder } from "./types.ts";

const DEFAULT_TIMEOUT_MS = 60_000;

/** Options of `openLangChainEmbedder`. */
export interface LangChainEmbedderOptions {
  /** Names model and version: another id means that everything is embedded again. */
  readonly id: string;
  /** Length of its vectors. Default: found by embedding one word. */
  readonly dimensions?: number;
  /** How long one call may take, in milliseconds. Default 60,000. */
  readonly timeoutMs?: number;
}

/**
 * Any LangChain embeddings as an `Embedder`. Vectors are scaled to length 1 by discovery, whatever the model gives.
 *
 * @throws {SkillError} `timeout` from its calls when the model stays silent; the model's own errors as they are
 */
export async function openLangChainEmbedder(
  embeddings: EmbeddingsInterface,
  options: LangChainEmbedderOptions,
): Promise<Embedder> {
  const { id, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  const bounded = <Result>(work: Promise<Result>) => withDeadline(work, timeoutMs, `The embeddings "${id}"`);
  const dimensions = options.dimensions ?? (await bounded(embeddings.embedQuery("dimensions"))).length;
  return {
    id: `langchain/${id}`,
    dimensions,
    embed: async (texts) => {
      const vectors = await bounded(embeddings.embedDocuments([...texts]));
      return vectors.map((vector) => Float32Array.from(vector));
    },
    embedQuery: async (text) => Float32Array.from(await bounded(embeddings.embedQuery(text))),
  };
}
