import type { Json } from "../base/json.ts";
import type { SkillErrorValue } from "../base/errors.ts";
import type { ExampleResult, TestReport } from "../lifecycle/types.ts";
import type { Finding } from "../manifest/types.ts";

/** How much a maker is told. A token is about four characters. */
const BOUNDS = {
  whole: 8_000,
  value: 600,
  message: 600,
  traceback: 1_200,
  log: 1_500,
  shown: 5,
  findings: 15,
};

/** What went wrong with one version of a package. */
export interface Failure {
  readonly findings: readonly Finding[];
  readonly tests: TestReport | null;
  /** Why it could not even be built or tested. */
  readonly error?: SkillErrorValue;
  /** How many of `tests.given`, from the first, the maker knows; the others were held back. */
  readonly shown: number;
}

/**
 * What the maker needs to repair a version, exact and short: findings, the failing input, what was expected, what
 * came, the error with the skill's own lines, the end of the log. At most 8,000 characters.
 *
 * Of held-back examples it tells how many fail, in what way, and the shape of their inputs; never their values, or
 * the next version would memorise them.
 */
export function buildEvidence(failure: Failure): string {
  const { tests } = failure;
  const parts = [
    failure.error === undefined ? "" : `The version could not be tested:\n${describeError(failure.error)}`,
    describeFindings(failure.findings.filter((finding) => finding.severity === "error")),
    tests === null ? "" : describeTests(tests, failure.shown),
  ];
  return cut(parts.filter((part) => part !== "").join("\n\n"), BOUNDS.whole);
}

/** One line about the same, for the list of earlier attempts. */
export function summarize(failure: Failure): string {
  const { tests } = failure;
  const errors = failure.findings.filter((finding) => finding.severity === "error");
  if (failure.error !== undefined) return `${failure.error.code}: ${firstLine(failure.error.message)}`;
  if (errors.length > 0) return `${errors.length} finding(s), first: ${firstLine(errors[0]?.message ?? "")}`;
  if (tests === null) return "nothing was written";
  if (!tests.handshake.ok) return `handshake: ${firstLine(tests.handshake.error?.message ?? "failed")}`;
  const shown = tests.given.slice(0, failure.shown), held = tests.given.slice(failure.shown);
  const own = [...tests.cases, ...tests.examples];
  return [
    ratio("examples", shown),
    ratio("held-back examples", held),
    ratio("its own tests", own),
    tests.health?.ok === false ? "health probe fails" : "",
  ].filter((part) => part !== "").join(", ") || "the tests did not pass";
}

/** Findings as lines, the severe ones first; at most 15. */
export function describeFindings(findings: readonly Finding[]): string {
  if (findings.length === 0) return "";
  const lines = findings.slice(0, BOUNDS.findings).map((finding) => {
    const place = finding.file === undefined
      ? ""
      : `${finding.file}${finding.line === undefined ? "" : `:${finding.line}`} `;
    const fix = finding.fix === undefined ? "" : ` -> ${cut(finding.fix, 300)}`;
    return `- ${finding.severity} ${place}[${finding.rule}] ${cut(finding.message, BOUNDS.message)}${fix}`;
  });
  return `Findings:\n${lines.join("\n")}${more(findings.length, BOUNDS.findings)}`;
}

/** A test report as the maker reads it. */
export function describeTests(tests: TestReport, shown: number): string {
  if (!tests.handshake.ok) {
    const reason = tests.handshake.error === undefined ? "" : `\n${describeError(tests.handshake.error)}`;
    return `The skill did not start (handshake failed).${reason}${describeLog(tests.logs)}`;
  }
  const parts = [
    describeExamples("Examples that fail", tests.given.slice(0, shown)),
    describeHeldBack(tests.given.slice(shown)),
    describeExamples("Lines of your tests/examples.jsonl that fail", tests.examples),
    describeCases(tests),
    tests.health?.ok === false ? `The health probe fails: ${describeOptional(tests.health.error)}` : "",
  ].filter((part) => part !== "");
  if (parts.length === 0) {
    return tests.passed ? "All tests pass." : `The tests did not pass.${describeLog(tests.logs)}`;
  }
  return parts.join("\n\n") + describeLog(tests.logs);
}

function describeExamples(title: string, results: readonly ExampleResult[]): string {
  const failed = results.filter((result) => result.status === "failed");
  if (failed.length === 0) return "";
  const blocks = failed.slice(0, BOUNDS.shown).map((result, index) =>
    `${index + 1}. ${describeExample(result)}`
  );
  return `${title} (${failed.length} of ${results.length}):\n${blocks.join("\n")}${
    more(failed.length, BOUNDS.shown)
  }`;
}

function describeExample({ example, got, error }: ExampleResult): string {
  const compare = example.compare ?? "equal";
  const expected = compare === "error"
    ? "an error"
    : `${value(example.expected)}${compare === "equal" ? "" : ` (${compare})`}`;
  return [
    `${example.tool === undefined ? "" : `tool ${example.tool}, `}input: ${value(example.input)}`,
    `   expected: ${expected}`,
    error === undefined ? `   got: ${value(got)}` : `   got an error: ${indent(describeError(error))}`,
  ].join("\n");
}

function describeHeldBack(results: readonly ExampleResult[]): string {
  const failed = results.filter((result) => result.status === "failed");
  if (failed.length === 0) return "";
  const kinds = new Map<string, number>();
  for (const result of failed) {
    const kind = `${failureKind(result)}, input ${shape(result.example.input)}`;
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  const lines = [...kinds].slice(0, BOUNDS.shown).map(([kind, count]) => `- ${count}x ${cut(kind, 300)}`);
  return `Examples you were not shown: ${failed.length} of ${results.length} fail. ` +
    `Solve the task in general instead of answering the shown examples.\n${lines.join("\n")}`;
}

function failureKind({ example, got, error }: ExampleResult): string {
  if (example.compare === "error") return "an error was expected, a value came";
  if (error !== undefined) {
    const exception = error.details?.["exception"];
    return typeof exception === "string" ? `raised ${exception}` : `failed with ${error.code}`;
  }
  const expected = shape(example.expected ?? null), came = shape(got ?? null);
  return expected === came ? "wrong value" : `wrong kind of value: ${came} instead of ${expected}`;
}

function describeCases(tests: TestReport): string {
  const failed = tests.cases.filter((test) => test.status === "failed");
  if (failed.length === 0) return "";
  const lines = failed.slice(0, BOUNDS.shown).map((test) =>
    `- ${cut(test.name, 200)}: ${indent(cut(test.message ?? "failed", BOUNDS.traceback))}`
  );
  return `Your own tests that fail (${failed.length} of ${tests.cases.length}):\n${lines.join("\n")}${
    more(failed.length, BOUNDS.shown)
  }`;
}

/** An error with the skill's own lines of the traceback. */
export function describeError(error: SkillErrorValue): string {
  const traceback = detail(error, "traceback") ?? detail(error, "stderr");
  const fix = error.fix === undefined ? "" : ` -> ${cut(error.fix, 300)}`;
  const lines = traceback === undefined ? "" : `\n${cut(traceback, BOUNDS.traceback)}`;
  return `${error.code}: ${cut(error.message, BOUNDS.message)}${fix}${lines}`;
}

function describeOptional(error: SkillErrorValue | undefined): string {
  return error === undefined ? "no reason given" : describeError(error);
}

function describeLog(log: string): string {
  const text = log.trimEnd();
  return text === ""
    ? ""
    : `\n\nEnd of the log:\n${text.length > BOUNDS.log ? `…${text.slice(-BOUNDS.log)}` : text}`;
}

function detail(error: SkillErrorValue, key: string): string | undefined {
  const data = error.details?.["data"];
  const inner = typeof data === "object" && data !== null
    ? (data as Readonly<Record<string, unknown>>)[key]
    : undefined;
  const found = error.details?.[key] ?? inner;
  return typeof found === "string" && found.trim() !== "" ? found : undefined;
}

/** The shape of a value without the value: `{ number: integer }`. */
function shape(json: Json, depth = 0): string {
  if (json === null) return "null";
  if (typeof json === "number") return Number.isInteger(json) ? "integer" : "number";
  if (typeof json !== "object") return typeof json;
  if (depth > 2) return "…";
  if (Array.isArray(json)) return json.length === 0 ? "[]" : `[${shape(json[0] as Json, depth + 1)}, …]`;
  const entries = Object.entries(json).slice(0, 8);
  return `{ ${entries.map(([key, inner]) => `${key}: ${shape(inner, depth + 1)}`).join(", ")} }`;
}

function ratio(what: string, results: readonly { readonly status: string }[]): string {
  const failed = results.filter((result) => result.status === "failed").length;
  return failed === 0 ? "" : `${failed} of ${results.length} ${what} fail`;
}

function value(json: Json | undefined): string {
  return json === undefined ? "nothing" : cut(JSON.stringify(json), BOUNDS.value);
}

function more(count: number, limit: number): string {
  return count > limit ? `\n… and ${count - limit} more` : "";
}

function firstLine(text: string): string {
  return cut(text.split("\n", 1)[0] ?? "", 200);
}

function indent(text: string): string {
  return text.replaceAll("\n", "\n   ");
}

/** Text of at most `limit` characters: its beginning and its end. */
export function cut(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const half = Math.floor((limit - 30) / 2);
  return `${text.slice(0, half)} …${text.length - 2 * half} characters… ${text.slice(-half)}`;
}
