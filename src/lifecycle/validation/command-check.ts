import { SkillError } from "../../base/errors.ts";
import { commandWords } from "../../manifest/command-words.ts";
import type { Finding, SkillPackage } from "../../manifest/types.ts";
import { findCommand } from "../../runner/resilience/declared-command.ts";

/** What a reviewer should know of the commands that a manifest declares, and those that can't be started here. */
export async function checkCommands(
  { dir, form, manifest }: Pick<SkillPackage, "dir" | "form" | "manifest">,
  interpreter: string,
): Promise<readonly Finding[]> {
  const { command, entry_file, resilience } = manifest;
  const fallback = resilience?.fallback_command;
  const declared = [command, fallback === undefined ? undefined : commandWords(fallback)];
  const file = form === "pep723" ? entry_file : form;
  const findings: Finding[] = [];
  for (const words of declared) {
    if (words === undefined) continue;
    const found = await check(words, dir, interpreter);
    if (found !== undefined) findings.push({ ...found, file });
  }
  return findings;
}

async function check(
  words: readonly string[],
  source: string,
  interpreter: string,
): Promise<Finding | undefined> {
  try {
    const { kind } = await findCommand(words, { source, interpreter });
    if (kind === "script") return undefined;
  } catch (error) {
    const { message, fix } = SkillError.from(error, "start_failed", `the command "${words[0]}"`);
    return { severity: "error", rule: "manifest/command", message, ...(fix === undefined ? {} : { fix }) };
  }
  return {
    severity: "warning",
    rule: "security/command",
    message: `"${words.join(" ")}" is not Python: nothing of what it does was looked at`,
    fix: "read it; the sandbox holds it to what the skill is granted",
  };
}
