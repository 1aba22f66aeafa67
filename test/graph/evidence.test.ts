import { expect, test } from "vitest";
import { buildEvidence, summarize } from "../../src/graph/evidence.ts";
import type { ExampleResult, ProbeResult, TestReport } from "../../src/lifecycle/test-report.ts";

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

test("buildEvidence tells the files that went in, those expected and what came, of held-back ones only that", () => {
  const example = {
    input: {},
    files: { "a.csv": "1\n" },
    expected: 1,
    artifacts: { "b.csv": "2\n", "c.csv": "3\n" },
  };
  const result: ExampleResult = {
    example,
    status: "failed",
    got: 1,
    artifacts: { "b.csv": "9\n", "c.csv": null },
  };
  const tests = report({ given: [result] });
  const text = buildEvidence({ findings: [], tests, shown: 1 });
  expect(text).toContain('in/a.csv: "1\\n"');
  expect(text).toMatch(
    /expected out\/b\.csv: "2\\n"\s+got: "9\\n"\s+expected out\/c\.csv: "3\\n"\s+got: no such file/,
  );
  const held = buildEvidence({ findings: [], tests, shown: 0 });
  expect(held).toContain("1x wrong or missing files in out/");
  expect(held).not.toContain("csv");
});

test("buildEvidence tells the error with the skill's own lines and the end of the log", () => {
  const text = buildEvidence({
    findings: [],
    tests: report({
      given: [raised],
      cases: [{ name: "test_four", status: "failed", message: "AssertionError" }],
      logs: "x\n".repeat(5000) + "the end",
    }),
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

test("buildEvidence tells what the skill printed, of examples that were shown only", () => {
  const printed: ExampleResult = { ...wrong, log: "looking at 1994\n" };
  const lost: ExampleResult = {
    ...raised,
    error: { code: "process_died", message: "it ended", details: { stderr: "Segmentation fault of 4" } },
  };
  const of = (shown: number): string =>
    buildEvidence({ findings: [], tests: report({ given: [printed, lost] }), shown });
  expect(of(2)).toContain("it printed: looking at 1994");
  expect(of(2)).toContain("Segmentation fault of 4");
  expect(of(0)).not.toContain("looking at");
  expect(of(0)).not.toContain("Segmentation");
});

test("buildEvidence tells odd inputs that end in a slip of the code, and answers that change", () => {
  const probe = { tool: "first", status: "failed", what: '"text" is empty', input: { text: "" } } as const;
  const error = { ...raised.error, code: "tool_failed", message: "IndexError: string index" } as const;
  const probes: readonly ProbeResult[] = [
    { ...probe, probe: "hostile", message: "ends in IndexError", error },
    { ...probe, probe: "repeat", what: "the same input again", message: "gave 1, and in a fresh process 2" },
    { ...probe, probe: "hostile", status: "noted", message: "ends with timeout" },
    { ...probe, probe: "hostile", status: "passed" },
  ];
  const failure = { findings: [], tests: report({ probes }), shown: 0 };
  const text = buildEvidence(failure);
  expect(text).toContain(
    '- first: "text" is empty, input {"text":""}: ends in IndexError\n   tool_failed: IndexError',
  );
  expect(text).toContain("gave 1, and in a fresh process 2");
  expect(text).not.toContain("timeout");
  expect(summarize(failure)).toBe("2 input(s) end in a slip of the code");
});

test("buildEvidence leaves no part out for the length of another", () => {
  const long = "y".repeat(5_000);
  const cases = Array.from({ length: 5 }, () => ({ name: long, status: "failed" as const, message: long }));
  const text = buildEvidence({
    findings: [{ severity: "hint", rule: "h", message: "a hint" }, {
      severity: "error",
      rule: "e",
      message: "an error",
    }],
    tests: report({
      given: [wrong, { ...wrong, example: { input: { hidden: 1 } } }],
      cases,
      logs: `${long}the end`,
    }),
    shown: 1,
  });
  expect(text.indexOf("an error")).toBeLessThan(text.indexOf("a hint"));
  for (const part of ['expected: "MCMXCIV"', "1 of 1 fail", "the end"]) expect(text).toContain(part);
  expect(text.length).toBeLessThanOrEqual(8_000);
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
