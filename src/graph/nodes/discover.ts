import { SkillError } from "../../base/errors.ts";
import { readRequest } from "../request.ts";
import { findReuse } from "../reuse.ts";
import type { StageWork } from "../stage-node.ts";
import { freshState } from "../state.ts";
import { makeReport } from "../report.ts";

/** Reads the request and looks whether a skill does it already. A match ends the run; the decision is recorded. */
export const discover: StageWork = async (context, given, { signal }) => {
  const fresh = freshState(given.intent);
  try {
    const { intent, examples, source } = readRequest(given);
    const { match, candidates, reason } = await findReuse(context, intent, examples, signal);
    const state = { ...fresh, intent, examples, source, candidates, reuse: reason };
    if (match === null) return state;
    const { skill_id, name, score, how } = match;
    await context.skills.library.noteReuse(skill_id, { intent, how, actor: context.actor });
    const report = makeReport(context, { ...state, shown: examples });
    return {
      ...state,
      examples: [],
      source: null,
      outcome: { outcome: "existing_match", skill_id, name, score, how, report },
    };
  } catch (error) {
    if (!SkillError.isInstance(error) || signal?.aborted === true) throw error;
    return { ...fresh, failure: error.toValue() };
  }
};
