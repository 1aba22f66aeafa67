import { holdBack } from "../hold-back.ts";
import { startFrom } from "../source/start-from.ts";
import type { StageWork } from "../stage-node.ts";

/**
 * Divides the examples into those the maker sees and those it does not, and makes the first files of what was given to
 * start from. Folders are made later, from the files in the state, by digest: nothing on disk has to outlive a node.
 */
export const stage: StageWork = async (context, state) => {
  const divided = { ...holdBack(state.examples), examples: [] };
  if (state.source === null) return divided;
  const taken = new Set((await context.skills.library.list()).map((skill) => skill.id));
  return {
    ...divided,
    ...startFrom(state.source, state.intent, taken, context.model !== null),
    source: null,
  };
};
