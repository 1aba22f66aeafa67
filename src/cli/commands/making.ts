import { cancel, isCancel, select, text as askText } from "@clack/prompts";
import { z } from "zod";
import { SkillError } from "../../base/errors.ts";
import type { GeneratorOutcome } from "../../graph/types.ts";
import { proposalText } from "../../graph/proposal-text.ts";
import { TEMPLATE_MAKER } from "../../graph/scaffold.ts";
import type { Example, SkillProposal } from "../../lifecycle/types.ts";
import { approve, exampleInput, generate, proposal, proposals, reject } from "../../operations/generate.ts";
import { perform } from "../../operations/perform.ts";
import type { OperationContext } from "../../operations/types.ts";
import type { Command, CommandAnswer, CommandIo } from "../command.ts";
import { readJsonInput } from "../json-input.ts";
import { plainText } from "../../base/plain-text.ts";
import { showSkill, showTests } from "../show.ts";

export const generateCommand: Command = {
  name: "generate",
  summary: "make a skill for an intent, test it, and propose it",
  args: [["<intent...>", "what the skill must do, with which input and output"]],
  options: [
    ["--model <provider:name>", "the chat model that writes it; without one a template does"],
    ["--examples <json>", "a list of {input, expected}: JSON, @file, or -"],
    ["--yes", "approve what passes all its tests, without asking"],
  ],
  examples: [
    "skillwright generate 'turn an integer into roman numerals' --model openai:gpt-5 --examples @examples.json",
  ],
  async run(io, words, { model, examples, yes }) {
    const context = await io.open({ model: model as string | undefined });
    const outcome = await perform(generate, context, {
      intent: words.join(" "),
      examples: typeof examples === "string" ? await readExamples(io, examples) : [],
    });
    if (outcome.report.maker === TEMPLATE_MAKER && !io.json) {
      io.terminal.note(
        io.terminal.style(
          "yellow",
          "no model was named: a template writes a scaffold that does nothing yet; give --model provider:name",
        ),
      );
    }
    if (outcome.outcome !== "proposed") return showOutcome(io, outcome);
    if (yes === true) return await approveProposal(io, context, outcome.proposal);
    if (!io.terminal.interactive || io.json) return showOutcome(io, outcome);
    return await askAbout(io, context, outcome.proposal);
  },
};

export const approveCommand: Command = {
  name: "approve",
  summary: "approve a proposal: install and activate exactly these bytes",
  args: [["<proposal>", "id of the proposal"]],
  options: [["--digest <sha256>", "the digest that you read"], ["--yes", "whatever its digest is"]],
  examples: ["skillwright approve p_1a2b --digest 9f86…"],
  async run(io, [id], { digest, yes }) {
    const context = await io.open();
    const found = (await perform(proposal, context, { id })).proposal;
    if (typeof digest === "string") return await approveProposal(io, context, { ...found, digest });
    if (yes === true) return await approveProposal(io, context, found);
    if (io.terminal.interactive && !io.json) return await askAbout(io, context, found);
    throw new SkillError("approval_required", `approving "${found.id}" needs the digest that you read`, {
      fix: `skillwright approve ${found.id} --digest ${found.digest}`,
    });
  },
};

export const rejectCommand: Command = {
  name: "reject",
  summary: "reject a proposal",
  args: [["<proposal>", "id of the proposal"]],
  options: [["--reason <text>", "why"]],
  examples: ["skillwright reject p_1a2b --reason 'asks for too much'"],
  async run(io, [id], { reason }) {
    const answer = await perform(reject, await io.open(), {
      id,
      reason: reason ?? "rejected on the command line",
    });
    return { document: answer, text: `rejected ${answer.proposal.id}` };
  },
};

export const proposalsCommand: Command = {
  name: "proposals",
  summary: "list proposals",
  args: [],
  options: [["--status <status>", "pending, approved, rejected or installed"]],
  examples: ["skillwright proposals --status pending"],
  async run(io, _args, { status }) {
    const answer = await perform(proposals, await io.open(), { status });
    const lines = answer.proposals.map(({ id, status: state, skill_id, intent }) =>
      `${io.terminal.style("bold", id)} ${state} ${skill_id}: ${plainText(intent)}`
    );
    return { document: answer, text: lines.join("\n") || "no proposals" };
  },
};

async function readExamples({ terminal }: CommandIo, given: string): Promise<Example[]> {
  const parsed = z.array(exampleInput).safeParse(await readJsonInput(given, terminal.stdin));
  if (parsed.success) return parsed.data;
  throw new SkillError("invalid_input", `the examples do not fit: ${z.prettifyError(parsed.error)}`, {
    fix: 'give a list like [{"input": {"number": 4}, "expected": "IV"}]',
  });
}

async function approveProposal(
  io: CommandIo,
  context: OperationContext,
  given: SkillProposal,
): Promise<CommandAnswer> {
  const { skill_info } = await perform(approve, context, { id: given.id, digest: given.digest });
  const document = { outcome: "installed", skill_info, proposal_id: given.id, digest: given.digest };
  return { document, text: showSkill(io.terminal, skill_info) };
}

async function askAbout(
  io: CommandIo,
  context: OperationContext,
  given: SkillProposal,
): Promise<CommandAnswer> {
  io.terminal.note(proposalText(given, (text) => io.terminal.style("bold", text)));
  const choice = await select({
    message: "Install it?",
    options: [
      { value: "approve", label: "approve exactly these files" },
      { value: "reject", label: "reject" },
      { value: "later", label: "decide later" },
    ],
  });
  if (choice === "approve") return await approveProposal(io, context, given);
  if (isCancel(choice) || choice === "later") {
    cancel("still pending");
    return { document: { outcome: "proposed", proposal: given }, text: `skillwright approve ${given.id}` };
  }
  const reason = await askText({ message: "Why?", defaultValue: "rejected on the terminal" });
  const answer = await perform(reject, context, {
    id: given.id,
    reason: isCancel(reason) ? "cancelled" : reason,
  });
  return { document: { outcome: "rejected", proposal: answer.proposal }, text: "rejected" };
}

function showOutcome({ terminal }: CommandIo, outcome: GeneratorOutcome): CommandAnswer {
  switch (outcome.outcome) {
    case "existing_match":
      return { document: outcome, text: `${outcome.skill_id} already does this (${plainText(outcome.how)})` };
    case "proposed":
      return {
        document: outcome,
        text: `${
          proposalText(outcome.proposal, (text) => terminal.style("bold", text))
        }\napprove with: ${outcome.approve_with}`,
      };
    case "installed":
      return { document: outcome, text: showSkill(terminal, outcome.skill) };
    case "rejected":
      return { document: outcome, text: `rejected: ${plainText(outcome.reason)}`, ok: false };
    case "failed": {
      const tests = outcome.tests === null ? "" : `\n${showTests(terminal, outcome.tests)}`;
      return {
        document: outcome,
        text: `${terminal.style("red", outcome.code)}: ${plainText(outcome.reason)}${tests}`,
        ok: false,
      };
    }
    default:
      return outcome satisfies never;
  }
}
