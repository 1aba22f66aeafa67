import { Buffer } from "node:buffer";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { SkillError } from "../../base/errors.ts";
import type { Json } from "../../base/json.ts";
import { explain } from "../../operations/explain.ts";
import { perform } from "../../operations/perform.ts";
import { type ArtifactValue, run } from "../../operations/run.ts";
import type { Command, CommandAnswer, CommandIo, Options } from "../command.ts";
import { withSecretsAskedFor } from "./secrets.ts";
import { showPlan } from "../show-plan.ts";
import { readJsonInput } from "../json-input.ts";
import { plainText } from "../../base/plain-text.ts";

export const runCommand: Command = {
  name: "run",
  summary: "run a tool of a skill",
  args: [["<id>", "the skill's id"], ["[tool]", "one of its tools; default: its default tool"]],
  options: [
    ["--input <json>", "input: JSON, @file, or - for standard input"],
    ["--timeout <seconds>", "shorter than the skill's own"],
    ["--file <name=path...>", "a file for the call, found below in/"],
    ["--out <dir>", "where to put the files that the skill leaves in out/"],
    ["--explain", "say how it would be run and what enforces that, and don't run it"],
  ],
  examples: [
    `skillwright run roman_numerals --input '{"number": 1994}'`,
    `skillwright run csv_chart --explain`,
    `skillwright run csv_chart --file data.csv=./sales.csv --out ./charts`,
  ],
  async run(io, [id, tool], options) {
    if (options["explain"] === true) return await explainRun(io, id, tool);
    const input = await inputOf(io, options);
    const files = await filesOf(options["file"] as unknown as string[] | undefined);
    const context = await io.open();
    const answer = await withSecretsAskedFor(io, () =>
      perform(run, context, {
        id,
        input,
        files,
        ...(tool === undefined ? {} : { tool }),
        ...(options["timeout"] === undefined ? {} : { timeout_ms: Number(options["timeout"]) * 1000 }),
      }));
    const saved = await saveArtifacts(answer.artifacts, options["out"] as string | undefined);
    const artifacts = answer.artifacts.map(({ path, size }) => ({ path, size, ...saved.get(path) }));
    if (!io.json && answer.logs !== "") {
      io.terminal.note(io.terminal.style("dim", plainText(answer.logs.trimEnd())));
    }
    const value = typeof answer.value === "string" ? answer.value : JSON.stringify(answer.value, null, 2);
    const left = artifacts.map(({ path, size }) =>
      `out/${path} (${size} bytes)${saved.size === 0 ? ", keep it with --out" : ""}`
    );
    return { document: { ...answer, artifacts }, text: plainText([value, ...left].join("\n")) };
  },
};

async function explainRun(
  io: CommandIo,
  id: string | undefined,
  tool: string | undefined,
): Promise<CommandAnswer> {
  const answer = await perform(explain, await io.open(), { id, ...(tool === undefined ? {} : { tool }) });
  return { document: answer, text: showPlan(io.terminal, answer) };
}

async function inputOf({ terminal }: CommandIo, { input, json }: Options): Promise<Json> {
  const given = typeof json === "string" ? json : input;
  return typeof given === "string" ? await readJsonInput(given, terminal.stdin) : {};
}

async function filesOf(given: readonly string[] = []): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const pair of given) {
    const [name, path] = pair.split(/=(.*)/s);
    if (!name || !path) {
      throw new SkillError("invalid_input", `"${pair}" is not name=path`, {
        fix: "write --file data.csv=./my.csv",
      });
    }
    try {
      files[name] = (await readFile(path)).toString("base64");
    } catch (error) {
      throw SkillError.from(error, "invalid_input", `the file "${path}" cannot be read`);
    }
  }
  return files;
}

/** Writes what the skill left; paths were checked by the runner, and are joined below `dir` only. */
async function saveArtifacts(
  artifacts: readonly ArtifactValue[],
  dir: string | undefined,
): Promise<Map<string, { saved_to: string }>> {
  const saved = new Map<string, { saved_to: string }>();
  if (dir === undefined) return saved;
  for (const { path, base64 } of artifacts) {
    const target = join(resolve(dir), path);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, Buffer.from(base64, "base64"));
    saved.set(path, { saved_to: target });
  }
  return saved;
}
