import type { LangGraphRunnableConfig } from "@langchain/langgraph";
import { graphContext } from "./config.ts";
import { buildSkillGraph } from "./create-skill-graph.ts";
import type { GenerateRequest, GeneratorOutcome, GraphEvent, SkillGraphOptions } from "./types.ts";

export { indexProposal, installProposal, type InstallProposalOptions } from "./install.ts";

/** Options of one generation. */
export interface GenerateOptions {
  readonly signal?: AbortSignal;
  /** Told of stages, turns, files and tests while they happen. */
  readonly onEvent?: (event: GraphEvent) => void;
}

/**
 * Makes a skill for an intent and proposes it, without installing: the generation graph, run once, up to the
 * proposal. Whatever the maker does, the answer is an outcome; only cancelling, and errors that are nobody's outcome,
 * are thrown.
 */
export async function generateProposal(
  options: SkillGraphOptions,
  request: GenerateRequest,
  { signal, onEvent }: GenerateOptions = {},
): Promise<GeneratorOutcome> {
  // A graph that runs inside another run would find that one's checkpointer, and interrupt it.
  const graph = buildSkillGraph({ ...graphContext(options), asks: false }).compile({ checkpointer: false });
  const config: LangGraphRunnableConfig = {
    // Given, so that events come here and not to the stream of a run around this one.
    writer: (event) => onEvent?.(event as GraphEvent),
    ...(signal === undefined ? {} : { signal }),
  };
  const { outcome } = await graph.invoke(
    { intent: request.intent, examples: request.examples ?? [], source: request.source ?? null },
    config,
  );
  if (outcome === null) throw new Error("the generation graph ended without an outcome");
  return outcome;
}
