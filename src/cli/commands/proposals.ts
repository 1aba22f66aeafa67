import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { plainText } from "../../base/plain-text.ts";
import { SkillError } from "../../base/errors.ts";
import { packagePath } from "../../graph/package-files.ts";
import { textOf } from "../../lifecycle/packages/package-text.ts";
import { readPackageFiles } from "../../manifest/package-files.ts";
import { editProposal, proposal, proposals, reject } from "../../operations/generate.ts";
import { perform } from "../../operations/perform.ts";
import { approveProposal, askAbout } from "../ask-about.ts";
import type { Command } from "../command.ts";
import { showOutcome } from "../show-outcome.ts";
import { showProposal } from "../show-proposal.ts";
import type { SkillProposal } from "../../lifecycle/changes/proposals.ts";

export const proposalsCommand: Command = {
  name: "proposals",
  summary: "list proposals, or show one with its diff",
  args: [["[proposal]", "id of one proposal: all of it is shown"]],
  options: [
    ["--status <status>", "pending, approved, rejected or installed"],
    ["--out <folder>", "with an id: write its files there, to read or edit them"],
  ],
  examples: ["skillwright proposals --status pending", "skillwright proposals 6f1c2a3b --out ./to-read"],
  async run(io, [id], { status, out }) {
    const context = await io.open();
    if (id !== undefined) {
      const shown = await perform(proposal, context, { id });
      if (typeof out === "string") await writeFiles(out, shown.proposal);
      return { document: shown, text: showProposal(io.terminal, shown) };
    }
    const answer = await perform(proposals, context, { status });
    const lines = answer.proposals.map(({ id: one, status: state, skill_id, version, intent }) =>
      `${io.terminal.style("bold", one)} ${state} ${skill_id} ${version}: ${plainText(intent)}`
    );
    return { document: answer, text: lines.join("\n") || "no proposals" };
  },
};

export const approveCommand: Command = {
  name: "approve",
  summary: "approve a proposal: install and activate exactly these bytes",
  args: [["<proposal>", "id of the proposal"]],
  options: [
    ["--digest <sha256>", "the digest that you read"],
    ["--yes", "whatever its digest is"],
    [
      "--files <folder>",
      "with the files of this folder instead: validated and tested again, then asked about",
    ],
  ],
  examples: [
    "skillwright approve 6f1c2a3b --digest 9f86…",
    "skillwright approve 6f1c2a3b --files ./edited",
  ],
  async run(io, [id], { digest, yes, files }) {
    const context = await io.open();
    const found = typeof files === "string"
      ? (await perform(editProposal, context, { id, whole: true, files: await readFiles(files) })).proposal
      : (await perform(proposal, context, { id })).proposal;
    if (typeof digest === "string") return await approveProposal(io, context, { ...found, digest });
    if (yes === true) return await approveProposal(io, context, found);
    if (io.terminal.interactive && !io.json) return await askAbout(io, context, found);
    throw new SkillError("approval_required", `approving "${found.id}" needs the digest that you read`, {
      fix: `skillwright approve ${found.id} --digest ${found.digest}`,
      details: { proposal_id: found.id, digest: found.digest },
    });
  },
};

export const rejectCommand: Command = {
  name: "reject",
  summary: "reject a proposal; with --retry the maker is told why and tries again",
  args: [["<proposal>", "id of the proposal"]],
  options: [
    ["--reason <text>", "why"],
    ["--retry", "back to the maker, with the reason"],
    ["--model <provider:name>", "with --retry: the chat model that tries again"],
  ],
  examples: [
    "skillwright reject 6f1c2a3b --reason 'asks for too much'",
    "skillwright reject 6f1c2a3b --reason 'round half up' --retry --model openai:gpt-5",
  ],
  async run(io, [id], { reason, retry, model }) {
    const context = await io.open({ model: model as string | undefined });
    const answer = await perform(reject, context, {
      id,
      reason: reason ?? "rejected on the command line",
      retry: retry === true,
    });
    const text = `rejected ${answer.proposal.id}`;
    if (answer.next === undefined) return { document: answer, text };
    const next = await showOutcome(io, context, answer.next);
    return { ...next, document: { ...answer, next: next.document }, text: `${text}\n${next.text}` };
  },
};

async function readFiles(folder: string): Promise<Readonly<Record<string, string>>> {
  return textOf(await readPackageFiles(resolve(folder)));
}

/** Writes nothing over what is there. */
async function writeFiles(folder: string, { files }: SkillProposal): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    const place = join(resolve(folder), packagePath(path));
    try {
      await mkdir(dirname(place), { recursive: true });
      await writeFile(place, text, { flag: "wx" });
    } catch (error) {
      throw SkillError.from(error, "invalid_input", `"${place}" cannot be written`);
    }
  }
}
