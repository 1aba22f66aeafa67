import { cancel, isCancel, select, text as askText } from "@clack/prompts";
import { approve, proposal, reject } from "../operations/generate.ts";
import { perform } from "../operations/perform.ts";
import type { OperationContext } from "../operations/types.ts";
import type { CommandAnswer, CommandIo } from "./command.ts";
import { showSkill } from "./show.ts";
import { showOutcome } from "./show-outcome.ts";
import { showProposal } from "./show-proposal.ts";
import type { SkillProposal } from "../lifecycle/changes/proposals.ts";

/** Approves the bytes of `digest`, and says what was installed. @throws {SkillError} `digest_mismatch` */
export async function approveProposal(
  io: CommandIo,
  context: OperationContext,
  given: Pick<SkillProposal, "id" | "digest">,
): Promise<CommandAnswer> {
  const { skill_info } = await perform(approve, context, { id: given.id, digest: given.digest });
  const document = { outcome: "installed", skill_info, proposal_id: given.id, digest: given.digest };
  return { document, text: showSkill(io.terminal, skill_info) };
}

/** Shows a proposal to the person at the terminal and does what they decide. */
export async function askAbout(
  io: CommandIo,
  context: OperationContext,
  given: SkillProposal,
): Promise<CommandAnswer> {
  io.terminal.note(showProposal(io.terminal, await perform(proposal, context, { id: given.id })));
  const choice = await select({
    message: "Install it?",
    options: [
      { value: "approve", label: "approve exactly these files" },
      ...(context.maker === undefined ? [] : [{ value: "retry", label: "send it back to the maker" }]),
      { value: "reject", label: "reject" },
      { value: "later", label: "decide later, or edit it first" },
    ],
  });
  if (choice === "approve") return await approveProposal(io, context, given);
  if (isCancel(choice) || choice === "later") {
    cancel("still pending");
    const text = `approve: skillwright approve ${given.id}\n` +
      `edit: skillwright proposals ${given.id} --out ./edited, then skillwright approve ${given.id} --files ./edited`;
    return { document: { outcome: "proposed", proposal: given }, text };
  }
  return await decline(io, context, given, choice === "retry");
}

async function decline(
  io: CommandIo,
  context: OperationContext,
  { id }: SkillProposal,
  retry: boolean,
): Promise<CommandAnswer> {
  const said = await askText({ message: "Why?", defaultValue: "rejected on the terminal" });
  const reason = isCancel(said) ? "cancelled" : said;
  const answer = await perform(reject, context, { id, reason, retry: retry && !isCancel(said) });
  if (answer.next === undefined) {
    return { document: { outcome: "rejected", proposal: answer.proposal }, text: "rejected" };
  }
  if (answer.next.outcome === "proposed") return await askAbout(io, context, answer.next.proposal);
  return await showOutcome(io, context, answer.next);
}
