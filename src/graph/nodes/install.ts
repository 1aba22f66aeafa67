import { SkillError } from "../../base/errors.ts";
import type { Actor } from "../../lifecycle/types.ts";
import type { GraphContext } from "../config.ts";
import {
  activateProposal,
  approveProposal,
  handshakeProposal,
  indexProposal,
  placeProposal,
} from "../install.ts";
import { makeReport } from "../report.ts";
import type { StageWork } from "../stage-node.ts";
import type { SkillGraphState } from "../state.ts";
import type { SkillProposal } from "../../lifecycle/changes/proposals.ts";

/** Records the approval and installs exactly the approved bytes, as a candidate. */
export const install: StageWork = async (context, state, { signal }) => {
  const { decision } = state;
  if (decision?.decision !== "approve") throw new SkillError("approval_required", "nothing was approved");
  const { library } = context.skills;
  const options = { ...caller(context, state), ...(signal === undefined ? {} : { signal }) };
  const proposal = await approveProposal(library, state.proposal_id ?? "", {
    ...options,
    approvedDigest: decision.digest,
  });
  await placeProposal(library, proposal, options);
  return {};
};

/** Starts the candidate from its slot: it must answer with its own name and version. */
export const handshake: StageWork = async (context, state, { signal }) => {
  const options = { ...caller(context, state), ...(signal === undefined ? {} : { signal }) };
  await handshakeProposal(context.skills.library, await approved(context, state), options);
  return {};
};

/** Makes the candidate the one that serves. */
export const activate: StageWork = async (context, state, { signal }) => {
  const options = { ...caller(context, state), ...(signal === undefined ? {} : { signal }) };
  await activateProposal(context.skills.library, await approved(context, state), options);
  return {};
};

/** Makes the new skill findable. */
export const index: StageWork = async (context, state) => {
  const proposal = await approved(context, state);
  await indexProposal(context.skills, proposal);
  const skill = await context.skills.library.info(proposal.skill_id);
  return { outcome: { outcome: "installed", skill, proposal, report: makeReport(context, state) } };
};

async function approved({ skills }: GraphContext, { proposal_id }: SkillGraphState): Promise<SkillProposal> {
  return await skills.library.proposal(proposal_id ?? "");
}

function caller({ actor }: GraphContext, { decision }: SkillGraphState): { readonly actor: Actor } {
  return { actor: decision?.by === undefined ? actor : { ...actor, name: decision.by } };
}
