import { expect, test } from "vitest";
import { buildEvidence } from "../../src/graph/evidence.ts";
import { openRound } from "../../src/graph/maker-prompt.ts";
import { VERIFIER_PROMPT } from "../../src/graph/prompts/verifier.ts";
import { freshState } from "../../src/graph/state.ts";
import { writeToolDefinitions } from "../../src/graph/write-tools.ts";
import type { ExampleResult, ProbeResult, TestReport } from "../../src/lifecycle/test-report.ts";

const shown = [{ input: { number: 4 }, expected: "IV" }, { input: { number: 0 }, compare: "error" }] as const;
const held = { input: { number: 9 }, expected: "IX" };
const wrong: ExampleResult = { example: shown[0], status: "failed", got: "IIII" };
const slip: ProbeResult = {
  probe: "hostile",
  tool: "to_roman",
  what: '"number" is null',
  status: "failed",
  message: "ends in TypeError instead of an error that says what is wrong",
};
const tests: TestReport = {
  passed: false,
  handshake: { ok: true },
  cases: [{ name: "test_four", status: "failed", message: "AssertionError" }],
  examples: [],
  given: [wrong, { ...wrong, example: held }],
  probes: [slip, { ...slip, probe: "repeat", what: "the same input again", message: "gave 1, then 2" }],
  health: null,
  logs: "looking\n",
  ms: 1,
};

/** All that models are told of ours, around fixed contents of others. */
function everythingSaid(): string {
  const evidence = buildEvidence({
    findings: [{
      severity: "error",
      rule: "script/syntax",
      message: "not valid Python",
      file: "skill.py",
      line: 3,
    }],
    tests,
    shown: 1,
  });
  const candidate = {
    skill_id: "arabic",
    name: "Arabic",
    version: "1.0.0",
    description: "The other way",
    score: 0.8,
    strong: true,
    tried: "fails",
  };
  const first = {
    ...freshState("numbers to Roman numerals"),
    shown,
    held_back: [held],
    candidates: [candidate],
  };
  const repair = {
    ...first,
    files: { "skill.py": "a = 1\n" },
    evidence,
    attempts: ["syntax", "1 of 2 examples"],
  };
  const rounds = [first, repair].map((state) => openRound(state).map(({ text }) => text).join("\n---\n"));
  const tools = writeToolDefinitions().map((tool) => JSON.stringify(tool.function)).join("\n");
  return [...rounds, tools, VERIFIER_PROMPT].join("\n\n=====\n\n") + "\n";
}

test("what models are told is what the recordings were made with (else look at the change, run vitest -u, record anew)", async () => {
  await expect(everythingSaid()).toMatchFileSnapshot("../recordings/prompts.txt");
});
