import type { GraphContext } from "./config.ts";
import { callsOf } from "./maker-reply.ts";
import type { SkillGraphState } from "./state.ts";

/** Where the run goes next. Pure functions of the state: the whole course of a generation, to be read in one place. */
export function afterDiscover({ failure, outcome }: SkillGraphState): "stage" | "finish" {
  return failure !== null || outcome !== null ? "finish" : "stage";
}

/** The maker goes on as long as it calls tools. */
export function afterGenerate({ failure, messages }: SkillGraphState): "write_tools" | "validate" | "finish" {
  if (failure !== null) return "finish";
  return callsOf(messages.at(-1)).length > 0 ? "write_tools" : "validate";
}

/** When its turns are used up, what it wrote so far is judged. */
export function afterWriteTools(
  { config }: Pick<GraphContext, "config">,
  { failure, outcome, turn }: SkillGraphState,
): "generate" | "validate" | "finish" {
  if (failure !== null || outcome !== null) return "finish";
  return turn < config.max_llm_turns ? "generate" : "validate";
}

export function afterValidate(state: SkillGraphState): "test" | "generate" | "approval" | "finish" {
  return afterJudgement(state) ?? "test";
}

export function afterTest(state: SkillGraphState): "verify" | "generate" | "approval" | "finish" {
  return afterJudgement(state) ?? "verify";
}

export function afterVerify(state: SkillGraphState): "propose" | "generate" | "approval" | "finish" {
  return afterJudgement(state) ?? "propose";
}

/** A version that did not pass is not `checked`; a refused edit goes back to the person. */
function afterJudgement(
  { failure, refused, checked }: SkillGraphState,
): "generate" | "approval" | "finish" | null {
  if (failure !== null) return "finish";
  if (refused !== null) return "approval";
  return checked === null ? "generate" : null;
}

export function afterApproval(
  { outcome, decision }: SkillGraphState,
): "install" | "decline" | "validate" | "approval" | "finish" {
  if (outcome !== null) return "finish";
  if (decision === null) return "approval";
  switch (decision.decision) {
    case "approve":
      return "install";
    case "reject":
      return "decline";
    case "edit":
      return "validate";
    default:
      return decision satisfies never;
  }
}

export function afterDecline({ failure, outcome }: SkillGraphState): "generate" | "finish" {
  return failure !== null || outcome !== null ? "finish" : "generate";
}

/** The next step, unless the run ends here. */
export function unlessFailed<Next extends string>(next: Next): (state: SkillGraphState) => Next | "finish" {
  return ({ failure }) => (failure === null ? next : "finish");
}
