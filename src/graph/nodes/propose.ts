import { approveWith } from "../approval.ts";
import { replacedBy } from "../../lifecycle/changes/proposals.ts";
import type { SkillLibrary } from "../../lifecycle/skill-library.ts";
import { noteMaking } from "../history.ts";
import { proposalOf, requireChecked } from "../proposal-of.ts";
import { makeReport, makerOf } from "../report.ts";
import type { StageWork } from "../stage-node.ts";

/** Records the tested package as a proposal. The same bytes for the same intent are proposed once. */
export const propose: StageWork = async (context, state) => {
  const { library } = context.skills;
  const { staged, checked } = requireChecked(state);
  const fresh = proposalOf(staged, checked, state.files, {
    intent: state.intent,
    findings: state.findings,
    tests: state.tests,
    maker: makerOf(context, state),
    rounds: state.round,
    ...(state.reuse === "" ? {} : { reuse: state.reuse }),
  });
  const waiting = await library.proposals({ status: "pending" });
  const known = waiting.find(({ digest, intent }) => digest === fresh.digest && intent === fresh.intent);
  const proposal = known ?? await library.propose(fresh);
  const { id } = proposal;
  if (state.proposal_id !== null && state.proposal_id !== id) await replaced(library, state.proposal_id, id);
  const outcome = { outcome: "proposed", proposal, approve_with: approveWith(proposal) } as const;
  noteMaking(library, { ...state, proposal_id: id }, { ...outcome, report: makeReport(context, state) });
  return { proposal_id: id, edited: false, refused: null };
};

/** A proposal that was edited gives way to the edited one, so that only one of the two can be installed. */
async function replaced(library: SkillLibrary, old: string, by: string): Promise<void> {
  const { status, digest } = await library.proposal(old);
  if (status !== "pending") return;
  await library.decide(old, { approved: false, digest, reason: replacedBy(by) });
}
