// How well skills are made: tool-making tasks go through the whole graph, their visible checks as examples; what is
// proposed is approved and installed; their hidden checks are the score.
//
//   npm run eval:making -- --model openai:gpt-5           a live model; answers are recorded in --out
//     --tasks file     tasks in the format of test/data/toolmaking; may be given more than once
//     --only id        these tasks; may be given more than once
//     --out dir        table, rows, recordings, and the home that they were made in; default ./tmp/making
//     --resume         goes on in --out: tasks that have a row there are not run again
//     --source text    who the model is, for the recordings; default: its name
//     --json           the last line is one JSON document, nothing else on standard output
//   npm run eval:making -- --replay test/recordings       recorded answers instead of a model
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { SkillError } from "../src/base/errors.ts";
import { makerByName } from "../src/cli/maker.ts";
import { recorded } from "../examples/demo/recorded-model.ts";
import { promptsDigest } from "./making/prompts-digest.ts";
import { type RecordedTurn, toTurn, writeRecording } from "./making/recording.ts";
import { replayAll } from "./making/replay.ts";
import type { TaskRow } from "./making/run-task.ts";
import { runTasks } from "./making/run-tasks.ts";
import { summarize, toTable } from "./making/summary.ts";
import { type MakingTask, readTasks } from "./making/task.ts";

const { values: options } = parseArgs({
  options: {
    model: { type: "string" },
    tasks: { type: "string", multiple: true },
    only: { type: "string", multiple: true },
    out: { type: "string", default: "tmp/making" },
    resume: { type: "boolean", default: false },
    replay: { type: "string" },
    source: { type: "string" },
    json: { type: "boolean", default: false },
  },
});
const say = (line: string): void => options.json ? console.error(line) : console.log(line);
const DATA = fileURLToPath(new URL("../test/data/toolmaking", import.meta.url));
const tasks = (options.tasks ?? [join(DATA, "tasks.jsonl"), join(DATA, "own.jsonl")]).flatMap(readTasks);

try {
  process.exitCode = await run();
} catch (error) {
  const { message, fix } = SkillError.from(error, "invalid_input", "the evaluation cannot run");
  console.error(fix === undefined ? message : `${message}\nTo do: ${fix}`);
  process.exitCode = 1;
}

async function run(): Promise<number> {
  if (options.replay !== undefined) return await replay(options.replay);
  if (options.model !== undefined) return await evaluate(options.model);
  console.error("Say which model is to make the skills: --model provider:name, or --replay test/recordings");
  return 2;
}

async function replay(folder: string): Promise<number> {
  const home = mkdtempSync(join(tmpdir(), "skillwright-making-"));
  try {
    const { rows, drifted } = await replayAll(folder, tasks, {
      dir: join(home, "home"),
      only: options.only,
      tell,
    });
    const failed = rows.some(({ solved, not_here }) => !solved && not_here === undefined);
    if (drifted.length > 0) console.error(driftMessage(drifted));
    report(rows, "recordings");
    return failed ? 1 : 0;
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

function driftMessage(drifted: readonly string[]): string {
  return `The prompts or tools of the maker changed since ${drifted.length} recording(s) were made, so a model might ` +
    `answer otherwise; run the evaluation with a model and record again: ${drifted.join(", ")}`;
}

async function evaluate(name: string): Promise<number> {
  const { out } = options;
  const rowsFile = join(out, "rows.jsonl"), recordings = join(out, "recordings");
  const before = existsSync(rowsFile) ? readRows(rowsFile) : [];
  if (before.length > 0 && !options.resume) {
    throw new Error(`${out} holds a run already: --resume, or another --out`);
  }
  mkdirSync(recordings, { recursive: true });
  const made = await makerByName(name);
  if (made === undefined) return 2;
  const todo = chosen().filter(({ id }) => !before.some(({ task }) => task === id));
  let number = before.length;
  const assignments = todo.map((task) => {
    const turns: RecordedTurn[] = [];
    return {
      task,
      maker: (ready: MakingTask) =>
        recorded(made.model, (message, request) => turns.push(toTurn(message, request, ready))),
      done: (row: TaskRow, address: string | undefined) => {
        requireMaker(row);
        appendFileSync(rowsFile, `${JSON.stringify(row)}\n`);
        const recording = { task: task.id, source: options.source ?? name, prompts: promptsDigest(), turns };
        writeRecording(recordings, ++number, recording, address);
        tell(row);
      },
    };
  });
  const rows = [...before, ...await runTasks(join(out, "home"), assignments, name)];
  writeFileSync(join(out, "table.md"), toTable(rows, name));
  report(rows, name);
  return 0;
}

/** A maker that does not answer at all has not failed at a task: the run ends, and can be resumed. */
function requireMaker({ turns, why = "" }: TaskRow): void {
  if (turns > 0 || !why.startsWith("maker_failed:")) return;
  throw new SkillError("maker_failed", why, { fix: "see to the model, then run the same with --resume" });
}

function chosen(): readonly MakingTask[] {
  const { only } = options;
  const unknown = only?.find((id) => !tasks.some((task) => task.id === id));
  if (unknown !== undefined) throw new Error(`there is no task "${unknown}"`);
  return only === undefined ? tasks : tasks.filter(({ id }) => only.includes(id));
}

function readRows(file: string): readonly TaskRow[] {
  return readFileSync(file, "utf8").trim().split("\n").map((line) => JSON.parse(line) as TaskRow);
}

function tell({ task, solved, outcome, rounds, turns, wall_ms, not_here, why = "" }: TaskRow): void {
  const mark = not_here === undefined ? solved ? "solved" : "NOT solved" : "not here";
  say(
    `${mark.padEnd(10)} ${task}: ${outcome}, ${rounds} round(s), ${turns} turn(s), ${wall_ms} ms ${why}`
      .trimEnd(),
  );
}

function report(rows: readonly TaskRow[], maker: string): void {
  say(`\n${toTable(rows, maker)}`);
  if (options.json) console.log(JSON.stringify(summarize(rows)));
}
