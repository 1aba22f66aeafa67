import { noteMaking } from "../history.ts";
import { makeReport } from "../report.ts";
import type { StageWork } from "../stage-node.ts";
import { discardStaging } from "../staging.ts";
import type { SkillGraphState } from "../state.ts";
import type { Budget, GenerationReport, GeneratorOutcome } from "../types.ts";

/** Gives the outcome its report, keeps it in the history, and leaves nothing in staging that no proposal needs. */
export const finish: StageWork = async (context, state) => {
  const { library } = context.skills;
  if (state.staged !== null) await discardStaging(library, state.staged);
  const report = makeReport(context, state);
  const outcome = outcomeOf(state, report);
  if (outcome !== null) noteMaking(library, state, outcome);
  return { outcome, messages: [], staged: null };
};

function outcomeOf(state: SkillGraphState, report: GenerationReport): GeneratorOutcome | null {
  if (state.failure === null) return state.outcome === null ? null : { ...state.outcome, report };
  const { code, message, fix, details } = state.failure;
  const budget = details?.["budget"] as Budget | undefined;
  return {
    outcome: "failed",
    code,
    reason: message,
    ...(fix === undefined ? {} : { fix }),
    ...(budget === undefined ? {} : { budget }),
    findings: state.findings,
    tests: state.tests,
    attempts: state.attempts,
    report,
  };
}
