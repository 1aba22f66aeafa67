import { readFile, stat } from "node:fs/promises";
import { basename } from "node:path";
import { z } from "zod";
import { SkillError } from "../../base/errors.ts";
import { decodeUtf8 } from "../../base/json.ts";
import { TEMPLATE_MAKER } from "../../graph/scaffold.ts";
import type { SkillSource } from "../../graph/types.ts";
import { approveByPolicy, exampleInput, generate } from "../../operations/generate.ts";
import { perform } from "../../operations/perform.ts";
import { approveProposal, askAbout } from "../ask-about.ts";
import type { Command, CommandIo, Options } from "../command.ts";
import { readJsonInput } from "../json-input.ts";
import { showSkill } from "../show.ts";
import { showOutcome } from "../show-outcome.ts";
import type { Example } from "../../lifecycle/test-report.ts";

/** Bytes of a file that something is made from. */
const MOST_SOURCE = 2 << 20;

export const generateCommand: Command = {
  name: "generate",
  summary: "make a skill for an intent, test it, and propose it",
  args: [["[intent...]", "what the skill must do, with which input and output"]],
  options: [
    ["--model <provider:name>", "the chat model that writes it; without one a template does"],
    ["--verifier <provider:name>", "another chat model, which writes checks without seeing the code"],
    ["--examples <json>", "a list of {input, expected}: JSON, @file, or -"],
    ["--from <script>", "start from this Python script: its functions become tools"],
    [
      "--from-openapi <file>",
      "start from this OpenAPI 3 description (JSON or YAML): its operations become tools",
    ],
    ["--max-turns <count>", "turns of the maker in a round"],
    ["--max-rounds <count>", "versions that are tried"],
    ["--max-tokens <count>", "tokens in all"],
    ["--max-seconds <count>", "time for making it"],
    ["--yes", "approve what passes all its tests, without asking"],
  ],
  examples: [
    "skillwright generate 'turn an integer into roman numerals' --model openai:gpt-5 --examples @examples.json",
    "skillwright generate --from ./convert.py",
    "skillwright generate 'find a pet by its name' --from-openapi ./petstore.json --model openai:gpt-5",
  ],
  async run(io, words, { model, verifier, examples, yes, ...rest }) {
    const context = await io.open({
      model: model as string | undefined,
      verifier: verifier as string | undefined,
    });
    const source = await readSource(rest);
    const outcome = await perform(generate, context, {
      intent: words.join(" "),
      examples: typeof examples === "string" ? await readExamples(io, examples) : [],
      ...(source === undefined ? {} : { source }),
      budgets: budgetsOf(rest),
    });
    if (outcome.report.maker === TEMPLATE_MAKER && !io.json) {
      io.terminal.note(
        io.terminal.style(
          "yellow",
          "no model was named: a template writes a scaffold that does nothing yet; give --model provider:name",
        ),
      );
    }
    if (outcome.outcome !== "proposed") return await showOutcome(io, context, outcome);
    const { id } = outcome.proposal;
    if (yes === true) return await approveProposal(io, context, outcome.proposal);
    const { skill_info } = await perform(approveByPolicy, context, { id });
    if (skill_info !== null) {
      const document = { outcome: "installed", skill_info, proposal_id: id, by: "policy" };
      return { document, text: `${showSkill(io.terminal, skill_info)}\napproved by the home's policy` };
    }
    if (!io.terminal.interactive || io.json) return await showOutcome(io, context, outcome);
    return await askAbout(io, context, outcome.proposal);
  },
};

function budgetsOf({ maxTurns, maxRounds, maxTokens, maxSeconds }: Options): Record<string, number> {
  const given = {
    max_llm_turns: maxTurns,
    max_test_rounds: maxRounds,
    max_tokens: maxTokens,
    max_seconds: maxSeconds,
  };
  return Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== undefined).map((
      [key, value],
    ) => [key, Number(value)]),
  );
}

async function readSource({ from, fromOpenapi }: Options): Promise<SkillSource | undefined> {
  if (typeof from === "string" && typeof fromOpenapi === "string") {
    throw new SkillError("invalid_input", "--from and --from-openapi are given together", {
      fix: "start from one of them",
    });
  }
  if (typeof from === "string") return { kind: "script", name: basename(from), text: await readText(from) };
  if (typeof fromOpenapi !== "string") return undefined;
  return { kind: "openapi", name: basename(fromOpenapi), text: await readText(fromOpenapi) };
}

async function readText(path: string): Promise<string> {
  try {
    const { size } = await stat(path);
    if (size > MOST_SOURCE) {
      throw new SkillError("invalid_input", `"${path}" is ${size} bytes long, the limit is ${MOST_SOURCE}`);
    }
    return decodeUtf8(await readFile(path), `"${path}"`);
  } catch (error) {
    throw SkillError.from(error, "invalid_input", `"${path}" cannot be read`);
  }
}

async function readExamples({ terminal }: CommandIo, given: string): Promise<Example[]> {
  const parsed = z.array(exampleInput).safeParse(await readJsonInput(given, terminal.stdin));
  if (parsed.success) return parsed.data;
  throw new SkillError("invalid_input", `the examples do not fit: ${z.prettifyError(parsed.error)}`, {
    fix: 'give a list like [{"input": {"number": 4}, "expected": "IV"}]',
  });
}
