import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import type { TaskRow } from "../../bench/making/run-task.ts";
import { summarize, toTable } from "../../bench/making/summary.ts";
import { intentOf, type MakingTask, readTasks, withService } from "../../bench/making/task.ts";

const data = (name: string): string => fileURLToPath(new URL(`../data/toolmaking/${name}`, import.meta.url));

function written(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), "skillwright-tasks-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "tasks.jsonl");
  writeFileSync(file, text);
  return file;
}

const row: TaskRow = {
  task: "a",
  outcome: "installed",
  skill_id: "a",
  hidden_passed: 2,
  hidden: 2,
  solved: true,
  reused: false,
  repaired: false,
  rounds: 1,
  turns: 2,
  tokens: 100,
  wall_ms: 1500,
  own_tests: true,
  approved: true,
};

test("readTasks gives every task visible checks for the maker and hidden ones for the score", () => {
  const tasks = [...readTasks(data("tasks.jsonl")), ...readTasks(data("own.jsonl"))];
  expect(tasks.length).toBe(59);
  expect(new Set(tasks.map(({ id }) => id)).size).toBe(59);
  expect(tasks.filter(({ visible, hidden }) => visible.length === 0 || hidden.length === 0)).toEqual([]);
});

test("readTasks names the line that is no task", () => {
  const file = written(
    '{"id": "a", "intent": "b", "checks": [{"input": {}, "visible": true}]}\n{"id": "c"}\n',
  );
  expect(() => readTasks(file)).toThrow(`${file} line 2 is no task`);
});

test("intentOf tells what is asked for, the names on the wire, and nothing of the checks", () => {
  const [task] = readTasks(data("own.jsonl")).filter(({ id }) => id === "own/exchange-rates");
  const ready = withService(task as MakingTask, "127.0.0.1:4711");
  expect(ready.network).toEqual(["127.0.0.1:4711"]);
  const intent = intentOf(ready);
  expect(intent).toContain("GET http://127.0.0.1:4711/rates/EUR");
  expect(intent).toContain('Input: {"amount":"number","source":"string","target":"string"}. Output: number.');
  expect(intent).not.toContain("360.37");
});

test("summarize counts what was solved, and apart from it what this machine cannot run", () => {
  const rows: readonly TaskRow[] = [
    row,
    { ...row, rounds: 2, turns: 4, repaired: true },
    { ...row, outcome: "existing_match", reused: true, own_tests: null, approved: null },
    { ...row, outcome: "existing_match", reused: true, own_tests: null, approved: null, solved: false },
    { ...row, own_tests: false, approved: false },
    { ...row, outcome: "failed", solved: false, not_here: "index_unreachable: no index" },
  ];
  expect(summarize(rows)).toEqual({
    tasks: 5,
    solved_hidden: 4,
    repaired: 1,
    reused: 2,
    rounds: 6,
    turns: 12,
    installed_failing_own_tests: 1,
    installed_without_approval: 1,
    wrong_reuse: 1,
  });
});

test("toTable gives each task a line, whatever stands in a reason", () => {
  const table = toTable([row, { ...row, task: "b", solved: false, why: "a | b\nc" }], "a model");
  expect(table).toContain("| a | installed | 2/2 | 1 | 2 | 100 | 1.5 |  |");
  expect(table).toContain("| a \\| b c |");
});
