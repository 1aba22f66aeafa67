import { interrupt } from "@langchain/langgraph";
import { z } from "zod";
import { SkillError } from "../../base/errors.ts";
import { approvalAnswer, approvalRequest, approveWith, readAnswer } from "../approval.ts";
import { approvedByPolicy, POLICY } from "../auto-approval.ts";
import type { GraphContext } from "../config.ts";
import { withFiles } from "../package-files.ts";
import { makeReport } from "../report.ts";
import type { GraphNode } from "../stage-node.ts";
import type { StateUpdate } from "../state.ts";
import type { SkillProposal } from "../../lifecycle/changes/proposals.ts";

/**
 * Asks a person. Alone in its node, and without effect: everything here runs again when the graph is resumed. An
 * answer that is malformed, or approves other bytes, is refused and asked for again, with the reason in the request.
 */
export function approvalNode(context: GraphContext): GraphNode {
  return async (state) => {
    const { library } = context.skills;
    const proposal = await library.proposal(state.proposal_id ?? "");
    const report = makeReport(context, state);
    if (proposal.status === "rejected") {
      return { outcome: { outcome: "rejected", reason: "rejected elsewhere", proposal, report } };
    }
    if (proposal.status !== "pending") return { decision: { decision: "approve", digest: proposal.digest } };
    const proposed: StateUpdate = {
      outcome: { outcome: "proposed", proposal, approve_with: approveWith(proposal), report },
    };
    if (!context.asks) return proposed;
    if (await approvedByPolicy(context, proposal)) {
      return { decision: { decision: "approve", digest: proposal.digest, by: POLICY } };
    }
    const request = await approvalRequest(library, proposal, report, {
      refused: state.refused,
      alternatives: state.candidates.filter(({ skill_id }) => skill_id !== proposal.skill_id),
    });
    try {
      const answer: unknown = interrupt(request, { responseSchema: answerForm() });
      return decided(answer, proposal);
    } catch (error) {
      if (!isWithoutCheckpointer(error)) throw error;
      return proposed;
    }
  };
}

function decided(answer: unknown, proposal: SkillProposal): StateUpdate {
  try {
    const decision = readAnswer(answer, proposal);
    if (decision.decision === "edit") {
      const files = withFiles(proposal.files, decision.files);
      return { decision, refused: null, files, edited: true, checked: null };
    }
    return { decision, refused: null, files: proposal.files };
  } catch (error) {
    if (!SkillError.isInstance(error)) throw error;
    return { decision: null, refused: error.toValue() };
  }
}

/** As JSON Schema, not as zod schema: then LangGraph shows the form, and the check is ours, which can ask again. */
function answerForm(): Readonly<Record<string, unknown>> {
  const { $schema: _, ...form } = z.toJSONSchema(approvalAnswer);
  return form;
}

function isWithoutCheckpointer(error: unknown): boolean {
  return typeof error === "object" && error !== null && "lc_error_code" in error &&
    error.lc_error_code === "MISSING_CHECKPOINTER";
}
