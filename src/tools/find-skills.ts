import { type StructuredToolInterface, tool } from "@langchain/core/tools";
import { z } from "zod";
import { perform } from "../operations/perform.ts";
import { search } from "../operations/search.ts";
import { modeAllows } from "../operations/tool-mode.ts";
import type { OperationContext } from "../operations/types.ts";
import { shownSkills } from "./found-skills.ts";
import { answer, type ToolAnswer } from "./tool-answer.ts";

/** The tool `find_skills`: an intent in, the few skills that may serve it out. */
export function findSkillsTool(context: OperationContext): StructuredToolInterface {
  return tool(
    ({ need, limit }): Promise<ToolAnswer> =>
      answer(async () => {
        const found = await perform(search, context, {
          query: need,
          related_only: true,
          ...(limit === undefined ? {} : { limit }),
        });
        const canMake = modeAllows(context.mode ?? "full", "full");
        return { content: shownSkills(found, canMake), artifact: found };
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
