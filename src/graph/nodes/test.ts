import { SkillError } from "../../base/errors.ts";
import { summarize } from "../evidence.ts";
import { probeFindings } from "../probe-findings.ts";
import { nextRound } from "../next-round.ts";
import type { StageWork } from "../stage-node.ts";
import { tryStaged } from "../staging.ts";
import type { ExampleResult } from "../../lifecycle/test-report.ts";

/** Builds the package and tests it in the sandbox: its own tests, the examples shown and those held back. */
export const test: StageWork = async (context, state, { signal, emit }) => {
  if (state.staged === null) throw new SkillError("not_found", "nothing was staged for the test");
  const examples = [...state.shown, ...state.held_back];
  const onResult = (result: ExampleResult): void =>
    emit({ kind: "test", stage: "test", status: result.status === "passed" ? "finished" : "failed", result });
  const tried = await tryStaged(context.skills.library, state.staged, examples, signal, {
    onResult,
    told: state.shown.length,
  });
  const { tests } = tried;
  const passed = tests !== null && tests.passed && tests.given.every((result) => result.status === "passed");
  const detail = passed
    ? `round ${state.round}: ${tests.given.length + tests.cases.length + tests.examples.length} passed`
    : `round ${state.round}: ${summarize({ ...tried, shown: state.shown.length })}`;
  const status = passed ? "finished" : "failed";
  emit({ kind: "test", stage: "test", status, detail, ...(tests === null ? {} : { tests }) });
  return passed
    ? { tests, findings: [...state.findings, ...probeFindings(tests)] }
    : nextRound(context, state, tried);
};
