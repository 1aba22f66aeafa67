import { SkillError } from "../base/errors.ts";
import { parsePythonVersion, parseSpecifier, satisfiesClauses, type VersionClause } from "./pep440.ts";

/**
 * Whether a Python version such as `3.11.7` meets a `requires-python` specifier such as `>=3.11,<3.14`
 * (==, !=, <=, >=, <, >, ~= and `.*`). A candidate of a release (`3.14.0rc1`) counts as that release, as uv has it.
 *
 * @throws {SkillError} `invalid_script` when the specifier, `invalid_input` when the version cannot be read.
 */
export function satisfiesPython(version: string, specifier: string): boolean {
  const found = parsePythonVersion(version);
  if (found === undefined) {
    throw new SkillError("invalid_input", `"${version.slice(0, 80)}" is not a Python version`, {
      fix: 'Give a version like "3.11.7"',
    });
  }
  return satisfiesClauses({ epoch: found.epoch, release: found.release }, pythonClauses(specifier));
}

/**
 * Reads a `requires-python` specifier.
 *
 * @throws {SkillError} `invalid_script` saying which clause is wrong.
 */
export function pythonClauses(specifier: string): readonly VersionClause[] {
  const clauses = parseSpecifier(specifier);
  const problem = "problem" in clauses ? clauses.problem : arbitrary(clauses);
  if (problem === undefined) return clauses as readonly VersionClause[];
  throw new SkillError("invalid_script", `requires-python "${specifier.slice(0, 80)}": ${problem}`, {
    fix: 'Write a specifier like ">=3.11" or ">=3.11,<3.14"',
  });
}

function arbitrary(clauses: readonly VersionClause[]): string | undefined {
  return clauses.some(({ operator }) => operator === "===") ? '"===" is not accepted, write "=="' : undefined;
}
