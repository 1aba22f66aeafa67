import { doctor, type DoctorReport } from "../../operations/doctor.ts";
import { list, search } from "../../operations/look-up.ts";
import { perform } from "../../operations/perform.ts";
import type { Command } from "../command.ts";
import { plainText } from "../../base/plain-text.ts";
import { showFindings, showMatches, showSkills } from "../show.ts";
import type { Terminal } from "../terminal.ts";

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
  const { sandbox, python, uv, model, skill, problems } = report;
  const row = (ok: boolean, name: string, text: string): string =>
    `${terminal.style(ok ? "green" : "yellow", ok ? "ok     " : "missing")} ${name.padEnd(8)} ${
      plainText(text)
    }`;
  const lacking = sandbox.missing.map(({ capability }) => capability).join(", ");
  return [
    row(
      report.ok,
      "skills",
      skill.ok ? `a probe skill was built and answered in ${Math.round(skill.ms)} ms` : "none can run",
    ),
    row(sandbox.usable, "sandbox", `${sandbox.backend}${lacking === "" ? "" : `; not here: ${lacking}`}`),
    row(python !== null, "python", python === null ? "not found" : `${python.version} at ${python.path}`),
    row(
      uv !== null,
      "uv",
      uv === null ? "not found; installed when a skill needs it" : `${uv.version} at ${uv.path}`,
    ),
    row(model.ok, "model", model.ok ? model.name : `search by words only: ${model.reason ?? "not loaded"}`),
    row(true, "home", report.home),
    ...(report.home_findings.length === 0 ? [] : [showFindings(terminal, report.home_findings)]),
    ...problems.map(({ message, fix }) =>
      `  ${plainText(message)}${fix === undefined ? "" : `\n    ${plainText(fix)}`}`
    ),
    ...sandbox.missing.map(({ capability, reason, fix }) =>
      `  ${capability}: ${plainText(reason)}\n    ${plainText(fix)}`
    ),
  ].join("\n");
}
