import { cancel, confirm, isCancel, password } from "@clack/prompts";
import { SkillError } from "../base/errors.ts";
import type { CommandIo } from "./command.ts";
import type { Terminal } from "./terminal.ts";

/** Asks a person for a value that nobody else should see. @throws {SkillError} `cancelled` */
export async function askSecret(message: string, { signal }: Pick<Terminal, "signal">): Promise<string> {
  const answer = await password({ message, signal });
  if (!isCancel(answer)) return answer;
  cancel("nothing was stored");
  throw new SkillError("cancelled", "the question was not answered");
}

/**
 * Asks before what cannot be undone.
 *
 * @throws {SkillError} `cancelled`; `invalid_input` where nobody can be asked
 */
export async function confirmOnTerminal({ terminal, json }: CommandIo, message: string): Promise<void> {
  if (!terminal.interactive || json) {
    throw new SkillError("invalid_input", "this cannot be undone, and nobody is there to be asked", {
      fix: "add --yes",
    });
  }
  if (await confirm({ message, initialValue: false, signal: terminal.signal }) !== true) {
    throw new SkillError("cancelled", "nothing was changed");
  }
}
