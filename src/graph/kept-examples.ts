import { SkillError } from "../base/errors.ts";
import { checkExamples } from "../lifecycle/validation/examples.ts";
import type { SkillLibrary } from "../lifecycle/skill-library.ts";
import type { Example } from "../lifecycle/test-report.ts";

const FILE = "tests/examples.jsonl";
const MOST = 100;

/** Examples of the version that serves, which a new version of the skill must pass too: at most 100. */
export async function keptExamples(library: SkillLibrary, id: string): Promise<readonly Example[]> {
  const serving = (await library.list()).find((skill) => skill.id === id && skill.serving !== null);
  if (serving === undefined) return [];
  const lines = ((await library.files(id))[FILE] ?? "").split(/\r?\n/).filter((line) => line.trim() !== "");
  try {
    return checkExamples(lines.slice(0, MOST).map((line) => JSON.parse(line) as unknown));
  } catch (error) {
    // it was installed, so that it could be read then; what cannot be read now binds nobody
    if (error instanceof SyntaxError || SkillError.isInstance(error)) return [];
    throw error;
  }
}
