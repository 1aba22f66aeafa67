import type { Json } from "../base/json.ts";
import type { SkillErrorValue } from "../base/errors.ts";
import type { Finding } from "../manifest/types.ts";
import { REPAIR_PROMPT } from "./prompts/repair.ts";
import type { ExampleResult, ProbeResult, TestReport } from "../lifecycle/test-report.ts";

/** Tokens that the evidence of one version may cost the maker. */
const TOKENS = 2_000;
const CHARACTERS_A_TOKEN = 4;

/** How much of one thing a maker is told, in characters. */
const BOUNDS = {
  value: 600,
  message: 600,
  traceback: 1_200,
  log: 1_500,
  printed: 600,
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
 * came, the error with the skill's own lines, the limit that was hit, the end of what it printed. At most 2,000 tokens,
 * shared out so that a long part crowds no other out.
 *
 * Of held-back examples it tells how many fail, in what way, and the shape of their inputs; never their values, or
 * the next version would memorise them.
 */
export function buildEvidence(failure: Failure): string {
  const { tests } = failure;
  const parts = [
    failure.error === undefined ? "" : `The version could not be tested:\n${describeError(failure.error)}`,
    describeFindings(failure.findings.toSorted((a, b) => RANK[a.severity] - RANK[b.severity])),
    ...(tests === null ? [] : testParts(tests, failure.shown)),
  ];
  return shareOut(parts.filter((part) => part !== ""), TOKENS * CHARACTERS_A_TOKEN).join("\n\n");
}

const RANK: Readonly<Record<Finding["severity"], number>> = { error: 0, warning: 1, hint: 2 };

/** Parts cut so that they are no longer than `room` together: short ones stay whole, the others get the same each. */
function shareOut(parts: readonly string[], room: number): readonly string[] {
  let left = room - 2 * parts.length, count = parts.length;
  const shares = new Map<string, number>();
  for (const part of parts.toSorted((a, b) => a.length - b.length)) {
    const share = Math.min(part.length, Math.floor(left / count));
    shares.set(part, share);
    left -= share;
    count--;
  }
  return parts.map((part) => cut(part, shares.get(part) ?? 0));
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
  const slips = tests.probes?.filter(({ status }) => status === "failed").length ?? 0;
  return [
    ratio("examples", shown),
    ratio("held-back examples", held),
    ratio("its own tests", own),
    slips > 0 ? `${slips} input(s) end in a slip of the code` : "",
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
  const parts = testParts(tests, shown);
  if (parts.length > 0) return parts.join("\n\n");
  return tests.passed ? "All tests pass." : `The tests did not pass.\n\n${describeLog(tests.logs)}`.trim();
}

function testParts(tests: TestReport, shown: number): readonly string[] {
  const log = describeLog(tests.logs);
  if (!tests.handshake.ok) {
    const reason = tests.handshake.error === undefined ? "" : `\n${describeError(tests.handshake.error)}`;
    return [`The skill did not start (handshake failed).${reason}`, log].filter((part) => part !== "");
  }
  const own = [
    describeExamples("Lines of your tests/examples.jsonl that fail", tests.examples),
    describeCases(tests),
  ].filter((part) => part !== "");
  return [
    describeExamples("Examples that fail", tests.given.slice(0, shown)),
    describeHeldBack(tests.given.slice(shown)),
    ...own,
    own.length === 0 ? "" : log,
    describeProbes(tests.probes ?? []),
    tests.health?.ok === false ? `The health probe fails: ${describeOptional(tests.health.error)}` : "",
  ].filter((part) => part !== "");
}

/** Slips of the code, and what gave two answers. What was only noted is told beside them, not alone. */
function describeProbes(probes: readonly ProbeResult[]): string {
  const failed = probes.filter(({ status }) => status === "failed");
  const hostile = failed.filter(({ probe }) => probe === "hostile");
  const repeated = failed.filter(({ probe }) => probe === "repeat");
  const list = (title: string, of: readonly ProbeResult[]): string =>
    of.length === 0
      ? ""
      : `${title}\n${of.slice(0, BOUNDS.shown).map(describeProbe).join("\n")}${
        more(of.length, BOUNDS.shown)
      }`;
  const parts = [
    list(REPAIR_PROMPT.oddInputs(hostile.length), hostile),
    list(REPAIR_PROMPT.notPure, repeated),
  ];
  return parts.filter((part) => part !== "").join("\n\n");
}

function describeProbe({ tool, what, input, message = "", error }: ProbeResult): string {
  const given = input === undefined ? what : `${what}, input ${value(input)}`;
  const lines = error === undefined ? "" : `\n   ${indent(describeError(error))}`;
  return `- ${tool}: ${given}: ${cut(message, BOUNDS.message)}${lines}`;
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

function describeExample({ example, got, artifacts = {}, error, log = "" }: ExampleResult): string {
  const compare = example.compare ?? "equal";
  const expected = compare === "error"
    ? "an error"
    : `${value(example.expected)}${compare === "equal" ? "" : ` (${compare})`}`;
  return [
    `${example.tool === undefined ? "" : `tool ${example.tool}, `}input: ${value(example.input)}`,
    ...describeTexts("in/", example.files ?? {}),
    `   expected: ${expected}`,
    error === undefined ? `   got: ${value(got)}` : `   got an error: ${indent(describeError(error))}`,
    ...Object.entries(artifacts).map(([path, came]) =>
      `   expected out/${path}: ${value(example.artifacts?.[path])}\n   got: ${
        came === null ? "no such file" : value(came)
      }`
    ),
    ...(log.trim() === "" ? [] : [`   it printed: ${indent(tail(log, BOUNDS.printed))}`]),
  ].join("\n");
}

function describeTexts(folder: string, files: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(files).map(([path, text]) => `   ${folder}${path}: ${value(text)}`);
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
  return `${REPAIR_PROMPT.heldBack(failed.length, results.length)}\n${lines.join("\n")}`;
}

function failureKind({ example, got, artifacts, error }: ExampleResult): string {
  if (example.compare === "error") return "an error was expected, a value came";
  if (error !== undefined) {
    const exception = detail(error, "exception");
    return exception === undefined ? `failed with ${error.code}` : `raised ${exception}`;
  }
  if (artifacts !== undefined) return "wrong or missing files in out/";
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

/** An error with the skill's own lines of the traceback; where there are none, the end of what it printed. */
export function describeError(error: SkillErrorValue): string {
  const traceback = detail(error, "traceback");
  const printed = detail(error, "stderr") ?? detail(error, "logs");
  const fix = error.fix === undefined ? "" : ` -> ${cut(error.fix, 300)}`;
  const lines = traceback !== undefined
    ? `\n${cut(traceback, BOUNDS.traceback)}`
    : printed === undefined
    ? ""
    : `\nit printed last:\n${tail(printed, BOUNDS.printed)}`;
  return `${error.code}: ${cut(error.message, BOUNDS.message)}${fix}${lines}`;
}

function describeOptional(error: SkillErrorValue | undefined): string {
  return error === undefined ? "no reason given" : describeError(error);
}

function describeLog(log: string): string {
  return log.trim() === "" ? "" : `End of the log:\n${tail(log, BOUNDS.log)}`;
}

function tail(text: string, most: number): string {
  const whole = text.trimEnd();
  return whole.length > most ? `…${whole.slice(-most)}` : whole;
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
