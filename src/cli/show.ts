import { SkillError, type SkillErrorValue } from "../base/errors.ts";
import type { DuplicatesAnswer } from "../discovery/types.ts";
import type { Finding } from "../manifest/types.ts";
import type { SkillInfo } from "../lifecycle/types.ts";
import type { OperationEvent } from "../operations/types.ts";
import type { FoundSkills } from "../operations/search.ts";
import { plainText } from "../base/plain-text.ts";
import { findingText } from "../graph/proposal-text.ts";
import type { Style, Terminal } from "./terminal.ts";
import type { ExampleResult, TestReport } from "../lifecycle/test-report.ts";

/** Texts for people. All that comes from skills and models is made plain first. */

const STATUS_STYLE: Readonly<Record<SkillInfo["status"], Style>> = {
  active: "green",
  pending: "yellow",
  testing: "yellow",
  disabled: "dim",
  quarantined: "red",
};

export function showSkill(terminal: Terminal, skill: SkillInfo): string {
  const { style } = terminal;
  const { id, version, status, serving, candidate } = skill;
  // without a serving version the candidate is what is shown
  const next = candidate === null || serving === null
    ? ""
    : `, candidate ${candidate.version} ${style(STATUS_STYLE[candidate.status], candidate.status)}`;
  const lines = [`${style("bold", id)} ${version} ${style(STATUS_STYLE[status], status)}${next}`];
  if (skill.description !== "") lines.push(`  ${plainText(skill.description)}`);
  if (skill.last_error !== null) lines.push(`  ${style("red", plainText(skill.last_error))}`);
  return lines.join("\n");
}

export function showSkills(terminal: Terminal, skills: readonly SkillInfo[]): string {
  return skills.map((skill) => showSkill(terminal, skill)).join("\n");
}

export function showMatches(terminal: Terminal, found: FoundSkills): string {
  const { style } = terminal;
  const lines = found.matches.map(({ id, score, cosine, lexical, related, matched, description }) => {
    const by = [
      ...(cosine === null ? [] : [`meaning ${cosine.toFixed(2)}`]),
      `words ${lexical.toFixed(2)}`,
      ...(related ? [] : ["far from it"]),
    ].join(", ");
    const because = matched === description ? "" : style("dim", `\n  matched: ${plainText(matched)}`);
    return `${style("bold", id)} ${style("dim", `${score.toFixed(2)} (${by})`)}\n  ${
      plainText(description)
    }${because}`;
  });
  if (lines.length === 0) lines.push("nothing fits");
  if (found.more > 0) lines.push(style("dim", `${found.more} more are not shown`));
  if (found.degraded !== undefined) {
    lines.push(style("yellow", `by words only: ${plainText(found.degraded)}`));
  }
  return lines.join("\n");
}

export function showDuplicates(terminal: Terminal, answer: DuplicatesAnswer): string {
  const { style } = terminal;
  const says = { text: "the same text", words: "the same words", meaning: "near in meaning" } as const;
  const lines = answer.pairs.map(({ a, b, how, cosine, matched }) => {
    const score = cosine === null ? "" : ` ${cosine.toFixed(3)}`;
    return `${style("bold", a)} and ${style("bold", b)}: ${says[how]}${style("dim", score)}\n  ${
      plainText(matched.a)
    }\n  ${plainText(matched.b)}`;
  });
  if (lines.length === 0) lines.push("no two skills are that much alike");
  if (answer.more > 0) lines.push(style("dim", `${answer.more} more pairs are not shown`));
  if (answer.degraded !== undefined) {
    lines.push(style("yellow", `by words only: ${plainText(answer.degraded)}`));
  }
  return lines.join("\n");
}

export function showFindings(terminal: Terminal, findings: readonly Finding[]): string {
  const styles = { error: "red", warning: "yellow", hint: "dim" } as const;
  return findings.map((finding) => {
    return findingText(finding, (severity) => terminal.style(styles[severity], severity));
  }).join("\n");
}

export function showTests(terminal: Terminal, report: TestReport): string {
  const mark = (ok: boolean): string => terminal.style(ok ? "green" : "red", ok ? "passed" : "failed");
  const lines = [`${mark(report.handshake.ok)} handshake`];
  for (const { name, status, message } of report.cases) {
    lines.push(
      `${mark(status === "passed")} ${plainText(name)}${
        message === undefined ? "" : `\n  ${plainText(message).replaceAll("\n", "\n  ")}`
      }`,
    );
  }
  for (const result of [...report.examples, ...report.given]) {
    lines.push(`${mark(result.status === "passed")} ${plainText(exampleText(result))}`);
  }
  for (const { test, status, message } of report.triggers ?? []) {
    const word = status === "skipped" ? terminal.style("yellow", status) : mark(status === "passed");
    const what = `${test.find ? "found by" : "not found by"} ${JSON.stringify(test.text)}`;
    lines.push(`${word} ${plainText(message === undefined ? what : `${what}: ${message}`)}`);
  }
  if (report.health !== null) lines.push(`${mark(report.health.ok)} health`);
  for (const error of [report.handshake.error, report.health?.error]) {
    if (error !== undefined) lines.push(showError(terminal, error));
  }
  return lines.join("\n");
}

function exampleText({ example, status, got, artifacts = {}, error }: ExampleResult): string {
  const expected = example.compare === "error" ? "an error" : JSON.stringify(example.expected);
  const call = `${JSON.stringify(example.input)} -> ${expected}`;
  if (status === "passed") return call;
  const wrong = Object.keys(artifacts).map((path) => `, wrong or missing out/${path}`).join("");
  return `${call}, got ${error === undefined ? JSON.stringify(got) : error.message}${wrong}`;
}

/** A stage with its time, or what happened within one. */
export function showProgress(terminal: Terminal, { stage, status, ms, detail }: OperationEvent): void {
  if (ms !== undefined) {
    const failed = status === "failed" ? " failed" : "";
    const said = detail === undefined || detail === "" ? "" : `  ${plainText(detail)}`;
    terminal.note(
      terminal.style("dim", `${stage.padEnd(12)} ${ms.toFixed(0).padStart(6)} ms${failed}${said}`),
    );
  } else if (detail !== undefined) {
    terminal.note(terminal.style("dim", `  ${plainText(detail)}`));
  }
}

export function showError(terminal: Terminal, error: unknown): string {
  const { code, message, fix }: SkillErrorValue = isErrorValue(error)
    ? error
    : SkillError.from(error, "home_unusable", "unexpected").toValue();
  return `${terminal.style("red", code)}: ${plainText(message)}${
    fix === undefined ? "" : `\n  ${plainText(fix)}`
  }`;
}

function isErrorValue(value: unknown): value is SkillErrorValue {
  return typeof value === "object" && value !== null && !(value instanceof Error) && "code" in value &&
    "message" in value;
}
