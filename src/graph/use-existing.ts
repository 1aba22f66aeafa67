import type { ToolDefinition } from "@langchain/core/language_models/base";
import { z } from "zod";
import type { GraphContext } from "./config.ts";
import { cut } from "./evidence.ts";
import { makeReport } from "./report.ts";
import type { SkillGraphState } from "./state.ts";
import type { GeneratorOutcome } from "./types.ts";

/** Name of the tool with which a maker says that nothing has to be made. */
export const USE_EXISTING = "use_existing_skill";

const schema = z.object({
  skill_id: z.string().describe("one of the existing skills you were shown"),
  reason: z.string().min(1).describe("why it does the whole of what is asked for, in one sentence"),
});

/**
 * Whether the maker may decide that an existing skill does it: only where there are no examples, for those decide
 * otherwise, and only where some skill came near.
 */
export function mayUseExisting(
  { shown, held_back, candidates, round }: Pick<
    SkillGraphState,
    "shown" | "held_back" | "candidates" | "round"
  >,
): boolean {
  return shown.length === 0 && held_back.length === 0 && candidates.length > 0 && round === 1;
}

/** The tool, as chat models take it. */
export function useExistingDefinition(): ToolDefinition {
  const { $schema: _, ...parameters } = z.toJSONSchema(schema);
  const description =
    "Make nothing: an existing skill that you were shown does exactly what is asked for. Read " +
    "its files first; near is not enough";
  return { type: "function", function: { name: USE_EXISTING, description, parameters } };
}

/** The outcome when the maker takes an existing skill; a text for it when it may not. */
export function useExisting(
  context: GraphContext,
  state: SkillGraphState,
  args: unknown,
): GeneratorOutcome | string {
  if (!mayUseExisting(state)) return `${USE_EXISTING} is not offered here: the examples decide`;
  const parsed = schema.safeParse(args);
  if (!parsed.success) return `the arguments do not fit: ${cut(z.prettifyError(parsed.error), 600)}`;
  const { skill_id, reason } = parsed.data;
  const found = state.candidates.find((candidate) => candidate.skill_id === skill_id);
  if (found === undefined) return `you were not shown a skill ${JSON.stringify(skill_id.slice(0, 80))}`;
  const how = `the maker "${context.maker}" judges, without an example to prove it: ${cut(reason, 500)}`;
  const report = makeReport(context, { ...state, reuse: `"${skill_id}" does it: ${how}` });
  return { outcome: "existing_match", skill_id, name: found.name, score: found.score, how, report };
}
