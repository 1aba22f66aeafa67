import type { GraphContext } from "./config.ts";
import type { SkillGraphState } from "./state.ts";
import type { GenerationReport } from "./types.ts";

/** What a run took so far. */
export function makeReport(
  context: Pick<GraphContext, "maker" | "verifier" | "model">,
  state: Pick<
    SkillGraphState,
    "round" | "files" | "turns" | "tokens" | "shown" | "held_back" | "stages_ms" | "reuse" | "origin"
  >,
): GenerationReport {
  return {
    maker: makerOf(context, state),
    ...(context.verifier === null ? {} : { verifier: context.verifier.name }),
    reuse: state.reuse,
    rounds: state.turns === 0 && Object.keys(state.files).length === 0 ? 0 : state.round,
    turns: state.turns,
    tokens: state.tokens,
    shown: state.shown.length,
    held_back: state.held_back.length,
    stages_ms: state.stages_ms,
  };
}

/** The maker's name in proposals of what was wrapped without a model. */
const RULES = "rules";

/** Who wrote what is in the state. */
export function makerOf(
  { maker, model }: Pick<GraphContext, "maker" | "model">,
  { origin }: Pick<SkillGraphState, "origin">,
): string {
  return model === null && origin !== "" ? RULES : maker;
}
