import { SkillError, type SkillErrorCode } from "../base/errors.ts";
import type { GraphContext } from "./config.ts";
import { buildEvidence, type Failure, summarize } from "./evidence.ts";
import { REPAIR_PROMPT } from "./prompts/repair.ts";
import type { SkillGraphState, StateUpdate } from "./state.ts";
import type { Budget } from "./types.ts";

/** How a failure is told. */
interface Telling {
  /** How many of the examples, from the first, the maker knows. Default: those it was shown. */
  readonly shown?: number;
  /** Said before the evidence. */
  readonly said?: string;
}

/**
 * What follows when a version did not pass: a person's edit goes back to the person, a maker's version back to the
 * maker with the evidence as long as rounds are left, a template's nowhere.
 */
export function nextRound(
  context: GraphContext,
  state: SkillGraphState,
  failure: Omit<Failure, "shown">,
  { shown = state.shown.length, said = "" }: Telling = {},
): StateUpdate {
  const seen: Failure = { ...failure, shown };
  const evidence = [said, buildEvidence(seen)].filter((part) => part !== "").join("\n\n");
  const line = [said, summarize(seen)].filter((part) => part !== "").join(" ");
  const common: StateUpdate = {
    attempts: [...state.attempts, line],
    findings: failure.findings,
    tests: failure.tests,
    checked: null,
  };
  if (state.edited) {
    const refused = new SkillError(code(failure), `the edited version does not pass: ${line}`, {
      details: { evidence },
    });
    return { ...common, edited: false, refused: refused.toValue() };
  }
  if (context.model === null) {
    return { ...common, failure: templateFailure(failure, line) };
  }
  const { max_test_rounds: rounds } = context.config;
  if (state.round >= rounds) {
    const spent = new SkillError(
      "budget_exceeded",
      `no version passed in ${rounds} round(s); the last: ${line}`,
      {
        fix: "give clearer examples, a stronger model, or raise generator.max_test_rounds",
        details: {
          evidence,
          budget: (state.turn >= context.config.max_llm_turns ? "turns" : "rounds") satisfies Budget,
        },
      },
    );
    return { ...common, failure: spent.toValue() };
  }
  const again = state.attempts.at(-1) === line ? ` ${REPAIR_PROMPT.same}` : "";
  const told = `Version ${state.round} of at most ${rounds} did not pass.${again}\n\n${evidence}`;
  return { ...common, evidence: told, round: state.round + 1, turn: 0, messages: [] };
}

function templateFailure(failure: Omit<Failure, "shown">, line: string): StateUpdate["failure"] & object {
  return new SkillError(
    code(failure),
    `what was written without a model does not pass: ${line}`,
    {
      fix: failure.tests === null
        ? "give a chat model, or correct what it starts from"
        : "give a chat model, or leave the examples out to get what was written",
    },
  ).toValue();
}

function code(failure: Omit<Failure, "shown">): SkillErrorCode {
  return failure.tests === null ? "validation_failed" : "tests_failed";
}
