import type { FoundSkill, FoundSkills } from "../operations/search.ts";
import { plainWords } from "./untrusted-text.ts";

/** Characters that a model reads of one search: whatever is left out is said. */
const BUDGET = 6_000;
const MAX_DESCRIPTION = 300;
const MAX_TOOLS = 8;

/** What a model reads of a search. */
export interface ShownSkills {
  readonly skills: readonly Readonly<Record<string, unknown>>[];
  /** How many more there are. */
  readonly more: number;
  readonly hint: string;
  readonly by_words_only?: string;
}

/**
 * The best skills as a model reads them, in the order of the search and within a budget: schemas are left out from
 * the last skill on, then skills; both are said.
 *
 * @param canMake whether the model has `create_skill`
 */
export function shownSkills(found: FoundSkills, canMake: boolean): ShownSkills {
  const whole = found.matches.map((skill) => compact(skill, true));
  const bare = found.matches.map((skill) => compact(skill, false));
  let skills = whole;
  for (let cut = whole.length - 1; size(skills) > BUDGET && cut >= 0; cut--) {
    skills = [...whole.slice(0, cut), ...bare.slice(cut)];
  }
  while (size(skills) > BUDGET && skills.length > 1) skills = skills.slice(0, -1);
  const more = found.more + found.matches.length - skills.length;
  return {
    skills,
    more,
    hint: hintOf(skills.length, more, canMake, skills.some((skill) => "schemas" in skill)),
    ...(found.degraded === undefined ? {} : { by_words_only: found.degraded.slice(0, MAX_DESCRIPTION) }),
  };
}

function hintOf(shown: number, more: number, canMake: boolean, leftOut: boolean): string {
  if (shown === 0) {
    return canMake
      ? "nothing fits: make a skill with create_skill"
      : "nothing fits: no skill is installed that could do this";
  }
  const hints = ["read each description: a skill that sounds alike may do the opposite"];
  if (leftOut) hints.push("for a schema that is left out, find that skill by its own words with limit 1");
  if (more > 0) hints.push("for the others say more exactly what is needed, or give a higher limit");
  return hints.join("; ");
}

function compact(
  { id, description, default_tool, tools, health }: FoundSkill,
  withSchemas: boolean,
): Readonly<Record<string, unknown>> {
  // The default tool is what most calls need: it is never among those left out.
  const shown = tools.filter((tool, at) => at < MAX_TOOLS || tool.name === default_tool);
  return {
    skill_name: id,
    description: plainWords(description, MAX_DESCRIPTION),
    tools: shown.map(({ name, description, input_schema }) => ({
      name,
      description: plainWords(description, MAX_DESCRIPTION),
      ...(withSchemas ? { input_schema } : {}),
      ...(name === default_tool ? { default: true } : {}),
    })),
    ...(health === undefined ? {} : { health }),
    ...(withSchemas ? {} : { schemas: "left out" }),
    ...(tools.length > shown.length ? { more_tools: tools.length - shown.length } : {}),
  };
}

function size(value: unknown): number {
  return JSON.stringify(value).length;
}
