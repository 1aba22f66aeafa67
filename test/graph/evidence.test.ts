import { expect, test } from "vitest";
import { buildEvidence, summarize } from "../../src/graph/evidence.ts";
import type { ExampleResult, TestReport } from "../../src/lifecycle/types.ts";

const report = (change: Partial<TestReport>): TestReport => ({
  passed: false,
  handshake: { ok: true },
  cases: [],
  examples: [],
  given: [],
  health: null,
  logs: "",
  ms: 1,
  ...change,
});

const wrong: ExampleResult = {
  example: { input: { number: 1994 }, expected: "MCMXCIV" },
  status: "failed",
  got: "MDCCCCLXXXXIIII",
};
const raised: ExampleResult = {
  example: { input: { number: 4 }, expected: "IV" },
  status: "failed",
  error: {
    code: "tool_failed",
    message: "KeyError: 4",
    details: {
      exception: "KeyError",
      traceback: 'File "skill.py", line 12, in to_roman\n    return TABLE[n]',
    },
  },
};

test("buildEvidence tells input, expected and got", () => {
  const text = buildEvidence({ findings: [], tests: report({ given: [wrong] }), shown: 1 });
  expect(text).toContain('input: {"number":1994}');
  expect(text).toContain('expected: "MCMXCIV"');
  expect(text).toContain('got: "MDCCCCLXXXXIIII"');
});

test("buildEvidence tells the error with the skill's own lines and the end of the log", () => {
  const text = buildEvidence({
    findings: [],
    tests: report({ given: [raised], logs: "x\n".repeat(5000) + "the end" }),
    shown: 1,
  });
  expect(text).toContain("tool_failed: KeyError: 4");
  expect(text).toContain('File "skill.py", line 12, in to_roman');
  expect(text).toContain("the end");
});

test("buildEvidence tells of held-back examples no value, but the way they fail", () => {
  const text = buildEvidence({ findings: [], tests: report({ given: [wrong, raised] }), shown: 0 });
  expect(text).toContain("2 of 2 fail");
  expect(text).toContain("1x wrong value, input { number: integer }");
  expect(text).toContain("1x raised KeyError");
  for (const secret of ["1994", "MCMXCIV", "MDCCCC", "IV"]) expect(text).not.toContain(secret);
});

test("buildEvidence stays below its bound whatever is thrown at it", () => {
  const long = "y".repeat(100_000);
  const given = Array.from(
    { length: 200 },
    () => ({ ...wrong, got: { [long]: long }, error: { code: "tool_failed" as const, message: long } }),
  );
  const findings = Array.from(
    { length: 500 },
    () => ({ severity: "error" as const, rule: "x", message: long, fix: long }),
  );
  const cases = Array.from({ length: 500 }, () => ({ name: long, status: "failed" as const, message: long }));
  const tests = report({ given, cases, logs: long });
  expect(buildEvidence({ findings, tests, shown: 100 }).length).toBeLessThanOrEqual(8_000);
  expect(summarize({ findings, tests, shown: 100 }).length).toBeLessThan(400);
});

test("summarize says in one line what failed", () => {
  expect(
    summarize({
      findings: [],
      tests: report({ given: [wrong, { ...wrong, status: "passed" }, raised] }),
      shown: 2,
    }),
  )
    .toBe("1 of 2 examples fail, 1 of 1 held-back examples fail");
  expect(summarize({ findings: [], tests: report({ handshake: { ok: false } }), shown: 0 })).toBe(
    "handshake: failed",
  );
});
