import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import type { StructuredToolInterface } from "@langchain/core/tools";
import type { GeneratorConfig } from "../graph/types.ts";
import { modeAllows, type ToolMode } from "../operations/tool-mode.ts";
import type { OperationContext, OperationSkills } from "../operations/types.ts";
import { createSkillTool } from "./create-skill.ts";
import { findSkillsTool } from "./find-skills.ts";
import { runSkillTool } from "./run-skill.ts";
import { toolsOfSkill } from "./skill-tool.ts";

/** Options of everything that gives an agent skills. */
export interface SkillToolsOptions {
  /** `off`: no tools. `read_only`, `read_write`: `find_skills`. `full`: also `run_skill` and `create_skill`. Default `read_only`. */
  readonly mode?: ToolMode;
  /** The chat model that writes skills. Without one `create_skill` writes a scaffold and says so. */
  readonly maker?: BaseChatModel;
  /** Another chat model, which writes checks for what the maker wrote, without seeing the code. */
  readonly verifier?: BaseChatModel;
  /** Budgets and policy of `create_skill`, where they differ from the home's. */
  readonly generator?: Partial<GeneratorConfig>;
}

/** The constant tools that let an agent find, run and make skills. The list does not change as skills come and go. */
export function skillTools(
  skills: OperationSkills,
  options: SkillToolsOptions = {},
): StructuredToolInterface[] {
  const mode = options.mode ?? "read_only";
  const context = agentContext(skills, mode);
  if (!modeAllows(mode, "read_only")) return [];
  if (!modeAllows(mode, "full")) return [findSkillsTool(context)];
  return [findSkillsTool(context), runSkillTool(context), createSkillTool(context, options)];
}

/**
 * The tools of one skill, by id, each with the manifest's JSON Schema.
 *
 * @throws {SkillError} `not_found`
 */
export async function skillTool(skills: OperationSkills, id: string): Promise<StructuredToolInterface[]> {
  return toolsOfSkill(agentContext(skills, "full"), await skills.library.info(id));
}

/** What operations see when an agent calls. */
export function agentContext(skills: OperationSkills, mode: ToolMode): OperationContext {
  return { skills, mode, actor: { via: "agent" } };
}
