import { duplicates } from "../../operations/duplicates.ts";
import { doctor, type DoctorReport } from "../../operations/doctor.ts";
import { rebuildIndex } from "../../operations/rebuild-index.ts";
import { search } from "../../operations/search.ts";
import { perform } from "../../operations/perform.ts";
import type { Command } from "../command.ts";
import { plainText } from "../../base/plain-text.ts";
import { showDuplicates, showFindings, showMatches } from "../show.ts";
import type { Style, Terminal } from "../terminal.ts";

export const doctorCommand: Command = {
  name: "doctor",
  summary: "say what works on this machine and how to get what does not",
  args: [],
  options: [
    [
      "--duplicates",
      "instead: pairs of skills that may do the same, with scores and the texts that are alike",
    ],
    ["--at-least <cosine>", "with --duplicates: how alike by meaning, 0 to 1; default 0.9"],
    ["--limit <count>", "with --duplicates: how many pairs at most; default 50"],
  ],
  examples: [
    "skillwright doctor",
    "skillwright doctor --json",
    "skillwright doctor --duplicates --at-least 0.8",
  ],
  async run({ terminal, open }, _args, { duplicates: asked, atLeast, limit }) {
    if (asked === true) {
      const answer = await perform(duplicates, await open(), {
        ...(atLeast === undefined ? {} : { at_least: Number(atLeast) }),
        ...(limit === undefined ? {} : { limit: Number(limit) }),
      });
      return { document: answer, text: showDuplicates(terminal, answer) };
    }
    const report = await perform(doctor, await open(), {});
    return { document: report, text: showDoctor(terminal, report), ok: report.ok };
  },
};

export const searchCommand: Command = {
  name: "search",
  summary: "find skills by what they do",
  args: [["<words...>", "what the skill should do"]],
  options: [
    ["--limit <count>", "how many at most; default 5"],
    ["--all", "also skills that are not active"],
    ["--status <status>", "only skills of this status; default active"],
    ["--type <type>", "only skills of this type, like python"],
    ["--tag <tag...>", "only skills with all of these tags"],
    ["--permissions <names>", "only skills that ask for none but these, with commas; none: for none at all"],
    [
      "--tool-mode <mode>",
      "only skills that do no more: read_only compute, read_write change files, full reach out",
    ],
    ["--related", "nothing that is too far from what is asked for"],
  ],
  examples: [
    'skillwright search "turn a year into roman numerals"',
    'skillwright search "draw a chart" --permissions none --tag csv --json',
  ],
  async run({ terminal, open }, words, options) {
    const { limit, all, status, type, permissions, toolMode, related } = options;
    const tags = options["tag"] as unknown as string[] | undefined;
    const found = await perform(search, await open(), {
      query: words.join(" "),
      all: all === true,
      related_only: related === true,
      ...given({ status, type, tags, tool_mode: toolMode }),
      ...(typeof permissions === "string" ? { permissions: namesOf(permissions) } : {}),
      ...(limit === undefined ? {} : { limit: Number(limit) }),
    });
    return { document: found, text: showMatches(terminal, found) };
  },
};

export const indexRebuildCommand: Command = {
  name: "index rebuild",
  summary: "throw the search index away and make it again",
  args: [],
  options: [],
  examples: ["skillwright index rebuild"],
  async run({ terminal, open }) {
    const answer = await perform(rebuildIndex, await open(), {});
    const { skills, degraded } = answer;
    const words = degraded === undefined
      ? ""
      : `\n${terminal.style("yellow", `by words only: ${plainText(degraded)}`)}`;
    return { document: answer, text: `${skills} skills can be found${words}` };
  },
};

/** `a,b` as names; `none` as no name. */
function namesOf(list: string): string[] {
  return list === "none" ? [] : list.split(",").map((name) => name.trim());
}

/** What is there of some optional values. */
function given(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

function showDoctor(terminal: Terminal, report: DoctorReport): string {
  const { sandbox, python, uv, install, model, skill, problems, home_findings } = report;
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
    ...(install === null ? [] : [showInstall(row, install)]),
    model.ok
      ? row("green", "ok", "model", model.name)
      : row("yellow", "weak", "model", "not loaded; search goes by words only"),
    row("green", "ok", "home", report.home),
    ...problems.map(({ message, fix }) => problem(terminal, message, fix)),
    ...(home_findings.length === 0 ? [] : [showFindings(terminal, home_findings)]),
    ...(sandbox.usable ? [...kept(terminal, report), ...notGranted(terminal, report)] : []),
  ].join("\n");
}

function showInstall(
  row: (style: Style, word: string, name: string, text: string) => string,
  { by, unenforced }: NonNullable<DoctorReport["install"]>,
): string {
  return unenforced === undefined
    ? row("green", "ok", "install", `uv runs in ${by}`)
    : row("yellow", "weak", "install", unenforced);
}

function problem(terminal: Terminal, message: string, fix: string | undefined): string {
  const lines = [`${terminal.style("yellow", "problem")} ${plainText(message)}`];
  if (fix !== undefined) lines.push(`        ${plainText(fix)}`);
  return lines.join("\n");
}

/** What the sandbox keeps here, and by what. */
function kept(terminal: Terminal, { sandbox }: DoctorReport): string[] {
  const byMeans = new Map<string, string[]>();
  for (const { capability, by = "nothing" } of sandbox.means) {
    byMeans.set(by, [...byMeans.get(by) ?? [], capability]);
  }
  return [...byMeans].map(([by, names]) =>
    terminal.style("dim", `keeps  ${names.join(", ")}: by ${plainText(by)}`)
  );
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
