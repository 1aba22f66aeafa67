import type { GraphContext } from "../config.ts";
import { makeReport } from "../report.ts";
import type { StageWork } from "../stage-node.ts";
import type { StateUpdate } from "../state.ts";
import type { SkillProposal } from "../../lifecycle/changes/proposals.ts";

/** Records a rejection; with `retry` the maker begins again, told the reason. */
export const decline: StageWork = async (context, state) => {
  const { decision, proposal_id } = state;
  if (decision?.decision !== "reject" || proposal_id === null) return {};
  const { reason, retry = false } = decision;
  const proposal = await rejected(context, proposal_id, reason, decision.by);
  if (retry && context.model !== null) return again(reason, state.attempts);
  return { outcome: { outcome: "rejected", reason, proposal, report: makeReport(context, state) } };
};

async function rejected(
  { skills, actor }: GraphContext,
  id: string,
  reason: string,
  by: string | undefined,
): Promise<SkillProposal> {
  const proposal = await skills.library.proposal(id);
  if (proposal.status !== "pending") return proposal;
  const who = by === undefined ? actor : { ...actor, name: by };
  return await skills.library.decide(id, { approved: false, digest: proposal.digest, reason, actor: who });
}

function again(reason: string, attempts: readonly string[]): StateUpdate {
  return {
    decision: null,
    proposal_id: null,
    checked: null,
    round: 1,
    turn: 0,
    messages: [],
    attempts: [...attempts, `rejected by the person: ${reason.slice(0, 300)}`],
    evidence: `It passed its tests, but the person who decides rejected it and says:\n${reason}`,
  };
}
