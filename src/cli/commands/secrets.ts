import { z } from "zod";
import { SkillError } from "../../base/errors.ts";
import { plainText } from "../../base/plain-text.ts";
import * as operations from "../../operations/secrets.ts";
import { perform } from "../../operations/perform.ts";
import { askSecret } from "../ask.ts";
import type { Command, CommandIo } from "../command.ts";
import { readAll, readJsonInput } from "../json-input.ts";

const SKILL = ["--skill <id>", "of one skill; without it, of the whole home"] as const;
const NAME = ["<name>", "the credential's name, like WEATHER_API_KEY"] as const;

export const secretsSetCommand: Command = {
  name: "secrets set",
  summary: "store a secret, sealed, for one skill or for all that declare its name",
  args: [NAME, [
    "[value]",
    "left out, it is asked for, or read from standard input: then no other program sees it",
  ]],
  options: [SKILL],
  examples: [
    "skillwright secrets set WEATHER_API_KEY --skill weather_skill",
    "skillwright secrets set WEATHER_API_KEY < key.txt",
  ],
  async run(io, [name, given], { skill }) {
    const value = given ?? await valueOf(io, name ?? "");
    const stored = await perform(operations.setSecret, await io.open(), { name, value, skill });
    return { document: stored, text: `stored ${stored.name} ${whose(stored.skill_id)}` };
  },
};

export const secretsListCommand: Command = {
  name: "secrets list",
  summary: "list stored secrets by name; values are not shown",
  args: [],
  options: [SKILL],
  examples: ["skillwright secrets list", "skillwright secrets list --skill weather_skill"],
  async run({ terminal, open }, _args, { skill }) {
    const answer = await perform(operations.listSecrets, await open(), { skill });
    const lines = answer.secrets.map(({ skill_id, name }) =>
      `${terminal.style("bold", name)} ${whose(skill_id)}`
    );
    return { document: answer, text: lines.length === 0 ? "no secrets are stored" : lines.join("\n") };
  },
};

export const secretsExportCommand: Command = {
  name: "secrets export",
  summary: "write secrets as JSON, grouped by skill; values are redacted",
  args: [],
  options: [SKILL, ["--show", "with their values, readable for everybody who gets the text"]],
  examples: ["skillwright secrets export > names.json", "skillwright secrets export --show > backup.json"],
  async run({ open }, _args, { skill, show }) {
    const document = await perform(operations.exportSecrets, await open(), { skill, show: show === true });
    return { document, text: JSON.stringify(document, null, 2) };
  },
};

export const secretsImportCommand: Command = {
  name: "secrets import",
  summary: "store the secrets of an export; redacted values are skipped and named",
  args: [["<file>", "the exported file, or - for standard input"]],
  options: [SKILL],
  examples: [
    "skillwright secrets import backup.json",
    "skillwright secrets import dump.json --skill weather_skill",
  ],
  async run({ terminal, open }, [file = "-"], { skill }) {
    const document = await readJsonInput(file === "-" ? "-" : `@${file}`, terminal.stdin);
    const done = await perform(operations.importSecrets, await open(), { document, skill });
    const lines = [
      ...done.set.map(({ skill_id, name }) => `stored ${name} ${whose(skill_id)}`),
      ...done.skipped.map(({ skill_id, name, reason }) =>
        `${terminal.style("yellow", "skipped")} ${plainText(name)} ${whose(skill_id)}: ${reason}`
      ),
    ];
    return { document: done, text: lines.length === 0 ? "there was nothing to store" : lines.join("\n") };
  },
};

export const secretsRemoveCommand: Command = {
  name: "secrets remove",
  summary: "remove a stored secret",
  args: [NAME],
  options: [SKILL],
  examples: ["skillwright secrets remove WEATHER_API_KEY --skill weather_skill"],
  async run({ open }, [name], { skill }) {
    const done = await perform(operations.removeSecret, await open(), { name, skill });
    return { document: done, text: `removed ${done.removed}` };
  },
};

const missingSchema = z.object({ id: z.string(), missing_secrets: z.array(z.string()).min(1) });

/**
 * Does `action`; on a terminal, secrets that it lacks are asked for and stored for the skill, then it is done again.
 *
 * @throws {SkillError} `secrets_missing` where nobody can be asked, and what `action` says
 */
export async function withSecretsAskedFor<T>(io: CommandIo, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (!SkillError.isInstance(error) || error.code !== "secrets_missing") throw error;
    const lacking = missingSchema.safeParse(error.details);
    if (!io.terminal.interactive || io.json || !lacking.success) throw error;
    const context = await io.open();
    const { id, missing_secrets } = lacking.data;
    for (const name of missing_secrets) {
      const value = await askSecret(`${name} for ${id}`, io.terminal);
      await perform(operations.setSecret, context, { name, value, skill: id });
    }
    return await action();
  }
}

async function valueOf({ terminal, json }: CommandIo, name: string): Promise<string> {
  if (terminal.interactive && !json) return await askSecret(`value of ${plainText(name)}`, terminal);
  const text = new TextDecoder().decode(await readAll(terminal.stdin));
  return text.replace(/\r?\n$/, "");
}

function whose(skill: string | null): string {
  return skill === null ? "for all skills" : `for ${skill}`;
}
