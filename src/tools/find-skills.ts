import { type StructuredToolInterface, tool } from "@langchain/core/tools";
import { z } from "zod";
import { perform } from "../operations/perform.ts";
import { search } from "../operations/look-up.ts";
import type { OperationContext } from "../operations/types.ts";
import { answer, type ToolAnswer } from "./tool-answer.ts";

/** The tool `find_skills`: an intent in, the few skills that may serve it out. */
export function findSkillsTool(context: OperationContext): StructuredToolInterface {
  return tool(
    ({ need, limit }): Promise<ToolAnswer> =>
      answer(async () => {
        const found = await perform(search, context, {
          query: need,
          ...(limit === undefined ? {} : { limit }),
        });
        const skills = found.matches.map(({ id, description, default_tool, tools }) => ({
          skill_name: id,
          description,
          tools: tools.map(({ name, description, input_schema }) => ({
            name,
            description,
            input_schema,
            ...(name === default_tool ? { default: true } : {}),
          })),
        }));
        const hint = skills.length === 0
          ? "no skill is installed that could do this"
          : "read each description: a skill that sounds alike may do the opposite";
        return { content: { skills, more: found.more, hint }, artifact: found };
      }),
    {
      name: "find_skills",
      description: "Find installed skills by what they do. Look here before making a new skill.",
      schema: z.object({
        need: z.string().min(1).max(4000).describe(
          "what the skill must do, with which input and which output; not the user's sentence",
        ),
        limit: z.int().min(1).max(20).optional().describe("how many at most, default 5"),
      }),
      responseFormat: "content_and_artifact",
    },
  );
}
