import { BaseToolkit, type StructuredToolInterface } from "@langchain/core/tools";
import type { OperationSkills } from "../operations/types.ts";
import { skillTools, type SkillToolsOptions } from "./skill-tools.ts";

/** `skillTools` in the form of a LangChain toolkit. */
export class SkillToolkit extends BaseToolkit {
  override readonly tools: StructuredToolInterface[];

  constructor(skills: OperationSkills, options: SkillToolsOptions = {}) {
    super();
    this.tools = skillTools(skills, options);
  }
}
