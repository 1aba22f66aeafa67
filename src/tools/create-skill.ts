import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import type { RunnableConfig } from "@langchain/core/runnables";
import { type StructuredToolInterface, tool } from "@langchain/core/tools";
import { z } from "zod";
import { SkillError } from "../base/errors.ts";
import { createSkillGraph } from "../graph/create-skill-graph.ts";
import type { GeneratorConfig, GeneratorOutcome } from "../graph/types.ts";
import type { OperationContext } from "../operations/types.ts";
import { requireMode } from "../operations/tool-mode.ts";
import { answer, type ToolAnswer } from "./tool-answer.ts";
import type { Example } from "../lifecycle/test-report.ts";

/**
 * An example as a model is asked for it. Input and output are left open: a recursive schema of JSON makes `$defs`, which
 * not every provider takes. The graph checks what comes.
 */
const shownExample = z.object({
  tool: z.string().optional().describe("which of the skill's tools; default: its default tool"),
  input: z.unknown().describe("the tool's whole input: an object"),
  expected: z.unknown().optional().describe("what it must answer"),
  compare: z.enum(["equal", "approx", "subset", "error"]).optional().describe(
    "how answers are compared, default equal; error: the call must fail",
  ),
  description: z.string().max(500).optional(),
  files: z.record(z.string(), z.string()).optional().describe(
    "text files by path that the call finds below in/",
  ),
  artifacts: z.record(z.string(), z.string()).optional().describe("text files that it must leave below out/"),
});

/** Who makes skills, and within which bounds. */
interface CreateSkillOptions {
  readonly maker?: BaseChatModel;
  readonly verifier?: BaseChatModel;
  readonly generator?: Partial<GeneratorConfig>;
}

/**
 * The tool `create_skill`: runs the generation graph inside the agent's own run, so that its interrupt is the agent's
 * and the same thread goes on with the new skill. The graph reads checkpointer and thread from the tool's `config`.
 */
export function createSkillTool(
  context: OperationContext,
  { maker, verifier, generator }: CreateSkillOptions = {},
): StructuredToolInterface {
  const { skills, actor } = context;
  const graph = createSkillGraph({
    skills,
    actor,
    ...(maker === undefined ? {} : { model: maker }),
    ...(verifier === undefined ? {} : { verifier }),
    ...(generator === undefined ? {} : { config: generator }),
  }).compile();
  return tool(
    ({ need, examples }, config: RunnableConfig): Promise<ToolAnswer> =>
      answer(async () => {
        requireMode(context.mode ?? "full", "full", "create_skill");
        // what they hold is checked by the graph, with an error that says which example is wrong
        const given = (examples ?? []) as readonly Example[];
        const state = await graph.invoke({ intent: need, examples: given }, config);
        const outcome = state.outcome as GeneratorOutcome | undefined;
        if (outcome === undefined) {
          throw new SkillError("maker_failed", "the generation ended without an outcome");
        }
        return { content: summary(outcome), artifact: outcome };
      }),
    {
      name: "create_skill",
      description:
        "Make a new skill when find_skills has none that fits. It is written, tested in a sandbox and " +
        "shown to a person for approval; then it can be run at once. Give examples: they decide whether it is right.",
      schema: z.object({
        need: z.string().min(1).max(4000).describe(
          "what the skill must do, with which input (names and types) and which output; not the user's sentence",
        ),
        examples: z.array(shownExample).max(50).optional().describe(
          "inputs with the expected output, four or more if you can; include edge cases",
        ),
      }),
      responseFormat: "content_and_artifact",
    },
  );
}

function summary(outcome: GeneratorOutcome): unknown {
  switch (outcome.outcome) {
    case "installed": {
      const { id, description, tools, default_tool } = outcome.skill;
      return {
        outcome: "installed",
        skill_name: id,
        description,
        default_tool,
        tools: tools.map(({ name, input_schema }) => ({ name, input_schema })),
        next: `call run_skill with skill_name "${id}"`,
      };
    }
    case "existing_match":
      return { ...outcome, next: `call run_skill with skill_name "${outcome.skill_id}"` };
    case "proposed":
      return { outcome: "proposed", proposal_id: outcome.proposal.id, approve_with: outcome.approve_with };
    case "rejected":
      return { outcome: "rejected", reason: outcome.reason };
    case "failed":
      return {
        outcome: "failed",
        code: outcome.code,
        reason: outcome.reason,
        ...(outcome.fix === undefined ? {} : { fix: outcome.fix }),
      };
    default:
      return outcome satisfies never;
  }
}
