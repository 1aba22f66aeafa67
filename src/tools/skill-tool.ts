import { type StructuredToolInterface, tool } from "@langchain/core/tools";
import type { RunnableConfig } from "@langchain/core/runnables";
import type { SkillInfo } from "../lifecycle/types.ts";
import type { OperationContext } from "../operations/types.ts";
import { runInTool } from "./run-skill.ts";

/** One LangChain tool for each tool of a skill, carrying the manifest's JSON Schema. */
export function toolsOfSkill(context: OperationContext, skill: SkillInfo): StructuredToolInterface[] {
  const names = toolNames(skill);
  return skill.tools.map((spec, index) =>
    tool(
      (input: unknown, config: RunnableConfig) =>
        runInTool(context, { id: skill.id, tool: spec.name, input }, config),
      {
        name: names[index] ?? skill.id,
        description: spec.description || skill.description,
        schema: spec.input_schema,
        responseFormat: "content_and_artifact",
      },
    ) as unknown as StructuredToolInterface // a JSON Schema instead of a zod schema: same tool at run time
  );
}

/**
 * LangChain names of a skill's tools: the skill's id when it has one tool, else `<id>-<tool>`, cut to the 64 characters
 * of `^[a-zA-Z0-9_-]{1,64}$` that model providers accept, without duplicates.
 */
export function toolNames(skill: Pick<SkillInfo, "id" | "tools">): string[] {
  if (skill.tools.length === 1) return [skill.id];
  const taken = new Set<string>();
  return skill.tools.map(({ name }) => {
    const whole = `${skill.id}-${name}`;
    let short = whole.slice(0, 64);
    for (let count = 2; taken.has(short); count++) {
      short = `${whole.slice(0, 64 - `-${count}`.length)}-${count}`;
    }
    taken.add(short);
    return short;
  });
}
