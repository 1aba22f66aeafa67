import { doctor, type DoctorReport } from "../../operations/doctor.ts";
import { list, search } from "../../operations/look-up.ts";
import { perform } from "../../operations/perform.ts";
import type { Command } from "../command.ts";
import { plainText } from "../../base/plain-text.ts";
import { showFindings, showMatches, showSkills } from "../show.ts";
import type { Style, Terminal } from "../terminal.ts";

export const doctorCommand: Command = {
  name: "doctor",
  summary: "say what works on this machine and how to get what does not",
  args: [],
  options: [],
  examples: ["skillwright doctor", "skillwright doctor --json"],
  async run({ terminal, open }) {
    const report = await perform(doctor, await open(), {});
    return { document: report, text: showDoctor(terminal, report), ok: report.ok };
  },
};

export const listCommand: Command = {
  name: "list",
  summary: "list the skills of the home",
  args: [],
  options: [["--status <status>", "only those with this status"]],
  examples: ["skillwright list", "skillwright list --status active --json"],
  async run({ terminal, open }, _args, { status }) {
    const answer = await perform(list, await open(), { status });
    return { document: answer, text: showSkills(terminal, answer.skills) };
  },
};

export const searchCommand: Command = {
  name: "search",
  summary: "find skills by what they do",
  args: [["<words...>", "what the skill should do"]],
  options: [["--limit <count>", "how many at most"], ["--all", "also skills that are not active"]],
  examples: ['skillwright search "turn a year into roman numerals"'],
  async run({ terminal, open }, words, { limit, all }) {
    const found = await perform(search, await open(), {
      query: words.join(" "),
      all: all === true,
      ...(limit === undefined ? {} : { limit: Number(limit) }),
    });
    return { document: found, text: showMatches(terminal, found) };
  },
};

function showDoctor(terminal: Terminal, report: DoctorReport): string {
  const { sandbox, python, uv, model, skill, problems, home_findings } = report;
  const row = (style: Style, word: string, name: string, text: string): string =>
    `${terminal.style(style, word.padEnd(6))} ${name.padEnd(8)} ${plainText(text)}`;
  const check = (ok: boolean, name: string, text: string): string =>
    ok ? row("green", "ok", name, text) : row("red", "fails", name, text);
  return [
    check(
      report.ok,
      "skills",
      skill.ok ? `a probe skill was built and answered in ${Math.round(skill.ms)} ms` : "none can run",
    ),
    check(sandbox.usable, "sandbox", sandbox.backend),
    check(python !== null, "python", python === null ? "not found" : `${python.version} at ${python.path}`),
    uv === null
      ? row("dim", "later", "uv", "not here; fetched when a skill with packages needs it")
      : row("green", "ok", "uv", `${uv.version} at ${uv.path}`),
    model.ok
      ? row("green", "ok", "model", model.name)
      : row("yellow", "weak", "model", "not loaded; search goes by words only"),
    row("green", "ok", "home", report.home),
    ...problems.map(({ message, fix }) => problem(terminal, message, fix)),
    ...(home_findings.length === 0 ? [] : [showFindings(terminal, home_findings)]),
    ...(sandbox.usable ? notGranted(terminal, report) : []),
  ].join("\n");
}

function problem(terminal: Terminal, message: string, fix: string | undefined): string {
  const lines = [`${terminal.style("yellow", "problem")} ${plainText(message)}`];
  if (fix !== undefined) lines.push(`        ${plainText(fix)}`);
  return lines.join("\n");
}

/** What the sandbox works without, but cannot grant: asking for it is refused. One note a reason. */
function notGranted(terminal: Terminal, { sandbox }: DoctorReport): string[] {
  const byReason = new Map<string, string[]>();
  for (const { capability, reason, fix } of sandbox.missing) {
    const why = `${reason}; ${fix}`;
    byReason.set(why, [...byReason.get(why) ?? [], capability]);
  }
  return [...byReason].map(([why, names]) =>
    terminal.style("dim", `note   no skill is granted ${names.join(", ")}: ${plainText(why)}`)
  );
}
