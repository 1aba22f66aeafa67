import { SkillError } from "../../base/errors.ts";
import { nextRound } from "../next-round.ts";
import type { StageWork } from "../stage-node.ts";
import { checkStaged, stageFiles } from "../staging.ts";

/** Checks the files without running them. */
export const validate: StageWork = async (context, state, { onStaged }) => {
  if (Object.keys(state.files).length === 0) {
    const error = new SkillError("validation_failed", "no file was written", {
      fix: "call write_skill_file for manifest.toml and skill.py; what you say outside of tools is not kept",
    });
    return nextRound(context, state, { findings: [], tests: null, error: error.toValue() });
  }
  const staged = await stageFiles(context.skills.library, state.files, state.staged, onStaged);
  const { findings, checked } = await checkStaged(context, staged, state.candidates);
  if (checked === null) return { ...nextRound(context, state, { findings, tests: null }), staged };
  return { staged, findings, checked, tests: null };
};
