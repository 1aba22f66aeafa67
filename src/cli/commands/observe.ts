import { counted } from "../../base/counted.ts";
import { plainText } from "../../base/plain-text.ts";
import { SkillError } from "../../base/errors.ts";
import {
  draftStatus,
  logs,
  type RemoteStatus,
  stats,
  status,
  type StatusAnswer,
} from "../../operations/observe.ts";
import { perform } from "../../operations/perform.ts";
import type { Command } from "../command.ts";
import { showSkill } from "../show.ts";
import { showPermissions, showTools } from "../show-tools.ts";
import type { Terminal } from "../terminal.ts";

export const statusCommand: Command = {
  name: "status",
  summary: "tell where a skill stands: versions, slots, tests, readiness, edits",
  args: [["<id>", "the skill's id"]],
  options: [
    ["--diff", "show how its source in the home differs from what is installed"],
    ["--fetch", "compare its source with the registry's too ([registry] in config.toml)"],
    ["--space <name>", "dev: with --fetch, the development folder and the hub's draft"],
  ],
  examples: [
    "skillwright status word_count",
    "skillwright status word_count --fetch --diff",
    "skillwright status --space dev word_count --fetch --diff",
  ],
  async run({ terminal, open }, [id], { diff, fetch, space }) {
    const input = { id, diff: diff === true, fetch: fetch === true };
    if (space === undefined) {
      const answer = await perform(status, await open(), input);
      return { document: answer, text: showStatus(terminal, answer) };
    }
    requireDevSpace(space, input.fetch);
    const draft = await perform(draftStatus, await open(), input);
    const lines = [`${terminal.style("bold", draft.id)} in ${plainText(draft.folder)}`];
    return { document: draft, text: [...lines, ...showRemote(terminal, draft.remote)].join("\n") };
  },
};

export const logsCommand: Command = {
  name: "logs",
  summary: "read a skill's logs, its runs and who changed it",
  args: [["<id>", "the skill's id"]],
  options: [
    ["--log <name>", "only this one: install, tests, activate, setup or run"],
    ["--lines <count>", "how many at most, of each; default 50"],
  ],
  examples: ["skillwright logs word_count", "skillwright logs word_count --log tests --lines 200"],
  async run({ terminal, open, hint }, [id], { log, lines }) {
    const answer = await perform(logs, await open(), {
      id,
      log,
      ...(lines === undefined ? {} : { lines: Number(lines) }),
    });
    const part = (title: string, rows: readonly string[]): string[] =>
      rows.length === 0 ? [] : [terminal.style("bold", title), ...rows.map((row) => `  ${plainText(row)}`)];
    const text = [
      ...Object.entries(answer.logs).flatMap(([name, rows]) => part(`${name}.log`, rows)),
      ...part(
        "runs",
        answer.runs.map(({ started_at, tool, version, ok, code, wall_ms }) =>
          `${time(started_at)} ${tool} ${version} ${ok ? "ok" : code} ${wall_ms.toFixed(1)} ms`
        ),
      ),
      ...part(
        "made",
        answer.makings.map(({ started_at, outcome, version, maker, rounds, turns, tokens, wall_ms, reuse }) =>
          `${time(started_at)} ${outcome}${version === null ? "" : ` ${version}`} by ${maker}, ${
            counted(rounds, "round")
          }, ` +
          `${counted(turns, "turn")}, ${counted(tokens, "token")}, ${(wall_ms / 1000).toFixed(1)} s; ${reuse}`
        ),
      ),
      ...part(
        "proposals",
        answer.proposals.map(({ created_at, id, version, status }) =>
          `${time(created_at)} ${version} ${status}; all of it: ${hint(`skillwright proposals ${id}`)}`
        ),
      ),
      ...part(
        "changes",
        answer.audit.map(({ at, via, name, action, digest, details }) =>
          `${time(at)} ${action} by ${name ?? via}${digest === null ? "" : ` ${digest.slice(0, 12)}`}${
            reasonIn(details)
          }`
        ),
      ),
    ];
    return { document: answer, text: text.length === 0 ? "nothing was logged" : text.join("\n") };
  },
};

/** Why something was rejected or quarantined, in one line. */
function reasonIn(details: unknown): string {
  const { reason } = (details ?? {}) as { readonly reason?: unknown };
  return typeof reason === "string" ? `: ${reason.replaceAll(/\s+/g, " ").slice(0, 300)}` : "";
}

export const statsCommand: Command = {
  name: "stats",
  summary: "count runs of each tool and generations of each maker, how they ended and what they took",
  args: [["[id]", "one skill; default: all"]],
  options: [["--days <count>", "only runs of the last days"]],
  examples: ["skillwright stats", "skillwright stats word_count --days 7 --json"],
  async run({ terminal, open }, [id], { days }) {
    const answer = await perform(stats, await open(), {
      id,
      ...(days === undefined ? {} : { days: Number(days) }),
    });
    const lines = answer.stats.map(({ skill_id, tool, runs, failed, max_rss_kb, ...took }) =>
      `${terminal.style("bold", `${skill_id} ${tool}`)}  ${counted(runs, "run")}, ${failed} failed, ` +
      `median ${took.p50_ms.toFixed(1)} ms, ` +
      `95% within ${took.p95_ms.toFixed(1)} ms${
        max_rss_kb === null ? "" : `, at most ${(max_rss_kb / 1024).toFixed(0)} MB`
      }`
    );
    const makers = answer.makers.map(({ maker, generations, outcomes, turns, tokens, wall_ms }) => {
      const ended = Object.entries(outcomes).map(([outcome, count]) => `${count} ${outcome}`).join(", ");
      return `${terminal.style("bold", plainText(maker))}  ${
        counted(generations, "generation")
      }: ${ended}; ` +
        `${counted(turns, "turn")}, ${counted(tokens, "token")}, ${(wall_ms / 1000).toFixed(1)} s`;
    });
    const text = [...lines, ...makers].join("\n");
    return { document: answer, text: text === "" ? "nothing was run or made yet" : text };
  },
};

function showStatus(terminal: Terminal, answer: StatusAnswer): string {
  const { skill_info, ready, missing_secrets, generations, source, diff, remote } = answer;
  const lines = [
    showSkill(terminal, skill_info),
    ...showTools(skill_info),
    ...showPermissions(skill_info),
    `  ${ready ? terminal.style("green", "ready") : terminal.style("yellow", "not ready")}` +
    (missing_secrets.length === 0 ? "" : `: needs ${missing_secrets.join(", ")}`),
    ...generations.map((one) => {
      const tests = one.tests === null
        ? "not tested"
        : one.tests.cases === 0
        ? `no tests, ${one.tests.passed ? "but it starts" : "and it does not start"}`
        : `${one.tests.cases - one.tests.failed} of ${one.tests.cases} tests passed`;
      return `  ${one.version} slot ${one.slot} ${one.status}, ${tests}, installed ${time(one.installed_at)}`;
    }),
  ];
  if (source === "changed") {
    lines.push(`  ${terminal.style("yellow", "its source is not what is installed: see status --diff")}`);
  }
  if (diff !== undefined && diff !== "") lines.push(plainText(diff.trimEnd()));
  if (remote !== undefined) lines.push(...showRemote(terminal, remote));
  return lines.join("\n");
}

function showRemote(terminal: Terminal, { url, branch, commit, source, diff }: RemoteStatus): string[] {
  const says = { same: "the same as", changed: "differs from", absent: "is not in" }[source];
  const style = source === "same" ? "green" : "yellow";
  const place = `${branch} of ${url} at ${commit.slice(0, 12)}`;
  const lines = [`  ${terminal.style(style, says)} ${plainText(place)}`];
  if (diff !== undefined && diff !== "") lines.push(plainText(diff.trimEnd()));
  return lines;
}

/** The home's own space needs no name, and a development space is only ever compared. */
function requireDevSpace(space: string | boolean, fetch: boolean): void {
  if (space !== "dev") {
    throw new SkillError("invalid_input", `there is no space "${String(space)}"`, { fix: "use --space dev" });
  }
  if (!fetch) {
    throw new SkillError("invalid_input", "the development space is compared with the hub's draft", {
      fix: "add --fetch",
    });
  }
}

function time(at: number): string {
  return new Date(at).toISOString().replace("T", " ").slice(0, 19);
}
