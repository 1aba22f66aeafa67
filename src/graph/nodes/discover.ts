import { SkillError } from "../../base/errors.ts";
import { readRequest } from "../request.ts";
import { findReuse } from "../reuse.ts";
import type { StageWork } from "../stage-node.ts";
import { freshState } from "../state.ts";
import { makeReport } from "../report.ts";

/** Reads the request and looks whether a skill does it already. A match ends the run. */
export const discover: StageWork = async (context, given, { signal }) => {
  const fresh = freshState(given.intent);
  try {
    const { intent, examples } = readRequest(given);
    const { match, candidates } = await findReuse(context, intent, examples, signal);
    const state = { ...fresh, intent, examples, candidates };
    if (match === null) return state;
    const { skill_id, name, score, how } = match;
    const report = makeReport(context, { ...state, shown: examples });
    return {
      ...state,
      examples: [],
      outcome: { outcome: "existing_match", skill_id, name, score, how, report },
    };
  } catch (error) {
    if (!SkillError.isInstance(error) || signal?.aborted === true) throw error;
    return { ...fresh, failure: error.toValue() };
  }
};
