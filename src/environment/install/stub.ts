import { SkillError } from "../../base/errors.ts";
import type { Requirement } from "./requirement.ts";

/**
 * The script that uv gets to see instead of the skill's: checked requirements and nothing else. `[tool.uv]` in a
 * header cannot be switched off by any flag, so it never gets there. The Python is pinned to the one at hand, so that
 * versions are not held back by, or refused for, Pythons that will never run this environment.
 */
export function stubScript(requirements: readonly Requirement[], pythonVersion: string): string {
  const minor = /^\d+\.\d+/.exec(pythonVersion)?.[0];
  if (minor === undefined) {
    throw new SkillError("python_unavailable", `the interpreter states "${pythonVersion}" as its version`);
  }
  const dependencies = requirements.map(({ text }) => `#   ${JSON.stringify(text)},\n`).join("");
  return `# /// script\n# requires-python = "==${minor}.*"\n# dependencies = [\n${dependencies}# ]\n# ///\n`;
}
