import type { GraphContext } from "./config.ts";
import type { SkillGraphState } from "./state.ts";
import type { GenerationReport } from "./types.ts";

/** What a run took so far. */
export function makeReport(
  { maker }: Pick<GraphContext, "maker">,
  state: Pick<SkillGraphState, "round" | "files" | "turns" | "tokens" | "shown" | "held_back" | "stages_ms">,
): GenerationReport {
  return {
    maker,
    rounds: state.turns === 0 && Object.keys(state.files).length === 0 ? 0 : state.round,
    turns: state.turns,
    tokens: state.tokens,
    shown: state.shown.length,
    held_back: state.held_back.length,
    stages_ms: state.stages_ms,
  };
}
