import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import type { RunnableConfig } from "@langchain/core/runnables";
import { type StructuredToolInterface, tool } from "@langchain/core/tools";
import { z } from "zod";
import { SkillError } from "../base/errors.ts";
import { createSkillGraph } from "../graph/create-skill-graph.ts";
import type { GeneratorOutcome } from "../graph/types.ts";
import { exampleInput } from "../operations/generate.ts";
import type { OperationContext } from "../operations/types.ts";
import { modeAllows } from "../operations/tool-mode.ts";
import { answer, type ToolAnswer } from "./tool-answer.ts";

/**
 * The tool `create_skill`: runs the generation graph inside the agent's own run, so that its interrupt is the agent's
 * and the same thread goes on with the new skill. The graph reads checkpointer and thread from the tool's `config`.
 */
export function createSkillTool(context: OperationContext, maker?: BaseChatModel): StructuredToolInterface {
  const { skills } = context;
  const graph = createSkillGraph({ skills, ...(maker === undefined ? {} : { model: maker }) }).compile();
  return tool(
    ({ need, examples }, config: RunnableConfig): Promise<ToolAnswer> =>
      answer(async () => {
        if (!modeAllows(context.mode ?? "full", "full")) {
          throw new SkillError("mode_denied", `"create_skill" needs tool mode "full"`);
        }
        const state = await graph.invoke({ intent: need, examples: examples ?? [] }, config);
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
        examples: z.array(exampleInput).max(50).optional().describe(
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
      return { outcome: "failed", code: outcome.code, reason: outcome.reason };
    default:
      return outcome satisfies never;
  }
}
