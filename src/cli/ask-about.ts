import { cancel, isCancel, select, text as askText } from "@clack/prompts";
import { SkillError } from "../base/errors.ts";
import { permissionText, testsText } from "../graph/proposal-text.ts";
import { approve, MOST_REASON, proposal, reject } from "../operations/generate.ts";
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

/**
 * Shows a proposal to the person at the terminal and does what they decide. Who leaves a question unanswered has
 * decided nothing: it is still pending, and the exit code says so.
 *
 * @throws {SkillError} `proposal_decided` when it was rejected before
 */
export async function askAbout(
  io: CommandIo,
  context: OperationContext,
  given: SkillProposal,
): Promise<CommandAnswer> {
  const { id, skill_id, version, status } = given;
  if (status === "rejected") {
    throw new SkillError("proposal_decided", `proposal "${id}" is already ${status}`, {
      fix: "have another one made: skillwright generate",
    });
  }
  io.terminal.note(showProposal(io.terminal, await perform(proposal, context, { id })));
  const choice = await select({
    // what it may do stands above a long diff, and may be out of sight
    message: `Install ${skill_id} ${version}? permissions: ${permissionText(given)}; tests: ${
      testsText(given)
    }`,
    options: [
      { value: "approve", label: "approve exactly these files" },
      ...(context.maker === undefined ? [] : [{ value: "retry", label: "send it back to the maker" }]),
      { value: "reject", label: "reject" },
      { value: "later", label: "decide later, or edit it first" },
    ],
    // an Enter that was pressed while it was made approves nothing
    initialValue: "later",
    signal: io.terminal.signal,
  });
  if (isCancel(choice)) return { ...stillPending(io, given), ok: false };
  if (choice === "later") return stillPending(io, given);
  if (choice === "approve") return await approveProposal(io, context, given);
  return await decline(io, context, given, choice === "retry");
}

function stillPending(io: CommandIo, given: SkillProposal): CommandAnswer {
  cancel("still pending");
  const { id } = given;
  const text = `approve: skillwright approve ${id}\n` +
    `edit: skillwright proposals ${id} --out ./edited, then skillwright approve ${id} --files ./edited`;
  return { document: { outcome: "proposed", proposal: given }, text: io.hint(text) };
}

async function decline(
  io: CommandIo,
  context: OperationContext,
  given: SkillProposal,
  retry: boolean,
): Promise<CommandAnswer> {
  const said = await askText({
    message: retry ? "What should be different?" : "Why?",
    validate: (text = "") => {
      if (retry && text.trim() === "") return "the maker has to know";
      return text.length > MOST_REASON ? `${text.length} characters, the limit is ${MOST_REASON}` : undefined;
    },
    signal: io.terminal.signal,
  });
  if (isCancel(said)) return { ...stillPending(io, given), ok: false };
  // clack answers nothing at all for an empty line
  const reason = (said as string | undefined)?.trim() || "rejected on the terminal";
  const answer = await perform(reject, context, { id: given.id, reason, retry });
  if (answer.next === undefined) {
    return { document: { outcome: "rejected", proposal: answer.proposal }, text: `rejected ${given.id}` };
  }
  if (answer.next.outcome === "proposed") return await askAbout(io, context, answer.next.proposal);
  return await showOutcome(io, context, answer.next);
}
