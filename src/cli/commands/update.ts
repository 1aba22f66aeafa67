import { SkillError } from "../../base/errors.ts";
import { plainText } from "../../base/plain-text.ts";
import { perform } from "../../operations/perform.ts";
import { update, type UpdateAnswer } from "../../operations/update.ts";
import { confirmOnTerminal } from "../ask.ts";
import type { Command, CommandIo } from "../command.ts";
import { showSkill, showTests } from "../show.ts";
import type { Terminal } from "../terminal.ts";

export const updateCommand: Command = {
  name: "update",
  summary: "bring a skill to what its source has now: installed, tested, activated",
  args: [
    ["<id>", "the skill's id"],
    ["[source]", "as for install; default: where it came from"],
  ],
  options: [
    ["--no-test", "without its tests; handshake and health are asked for all the same"],
    ["--allow-downgrade", "take a lower version too"],
    ["--yes", "allow what it may do more than before, without asking"],
  ],
  examples: [
    "skillwright update word_count",
    "skillwright update word_count ./word_count --json",
    "skillwright update word_count git+https://example.org/skills.git@v2#word_count",
  ],
  async run(io, [id, source], { test, allowDowngrade, yes }) {
    const context = await io.open();
    const input = { id, source, test: test !== false, allow_downgrade: allowDowngrade === true };
    const attempt = perform(update, context, { ...input, confirm: yes === true });
    const done = await attempt.catch(async (error: unknown) => {
      const digest = await confirmed(io, error);
      return await perform(update, context, { ...input, confirm: true, digest });
    });
    const ok = done.updated || done.tests === null;
    return { document: done, text: showUpdate(io.terminal, done), ok };
  },
};

/** Asks a person about what a version may do more than before; the digest of what was allowed. */
async function confirmed(io: CommandIo, error: unknown): Promise<unknown> {
  const asks = SkillError.isInstance(error) && error.code === "approval_required";
  if (!asks || !io.terminal.interactive || io.json) throw error;
  await confirmOnTerminal(io, `${plainText(error.message)}. Allow it?`);
  return error.details?.["digest"];
}

function showUpdate(terminal: Terminal, answer: UpdateAnswer): string {
  const { skill_info, from, to, updated, tests, new_permissions } = answer;
  const lines = tests === null ? [] : [showTests(terminal, tests)];
  if (!updated && tests === null) return `already up to date\n${showSkill(terminal, skill_info)}`;
  lines.push(
    updated ? `updated from ${from} to ${to}` : `${to} did not pass its tests, ${from} goes on serving`,
    ...new_permissions.map((one) => `  ${terminal.style("yellow", "may now")} ${plainText(one)}`),
    showSkill(terminal, skill_info),
  );
  return lines.join("\n");
}
