import { makeReport } from "../report.ts";
import type { StageWork } from "../stage-node.ts";
import { discardStaging } from "../staging.ts";

/** Gives the outcome its report, and leaves nothing in staging that no proposal needs. */
export const finish: StageWork = async (context, state) => {
  if (state.staged !== null) await discardStaging(context.skills.library, state.staged);
  const report = makeReport(context, state);
  if (state.failure === null) {
    const outcome = state.outcome === null ? null : { ...state.outcome, report };
    return { outcome, messages: [], staged: null };
  }
  const { code, message, fix } = state.failure;
  return {
    messages: [],
    staged: null,
    outcome: {
      outcome: "failed",
      code,
      reason: message,
      ...(fix === undefined ? {} : { fix }),
      findings: state.findings,
      tests: state.tests,
      attempts: state.attempts,
      report,
    },
  };
};
