import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Json } from "../../src/base/json.ts";

/** Tool-making tasks that were solved by hand: the fixture skill's id by the task's. */
const SOLVED = {
  "exercism/acronym": "acronym",
  "exercism/all-your-base": "all_your_base",
  "exercism/alphametics": "alphametics",
  "exercism/anagram": "anagram",
  "exercism/book-store": "book_store",
  "exercism/change": "change",
  "exercism/forth": "forth",
  "exercism/game-of-life": "game_of_life",
  "exercism/isbn-verifier": "isbn_verifier",
  "exercism/knapsack": "knapsack",
  "mbpp/332": "char_frequency",
  "mbpp/427": "date_to_dmy",
  "mbpp/778": "pack_duplicates",
} as const;

/** One call and what it must give; with `compare` "error" it must fail. These tasks have no other kinds. */
export interface Check {
  readonly input: Json;
  readonly expected: Json;
  readonly compare: "equal" | "error";
  readonly desc: string;
}

/** A task with the fixture skill that solves it. */
export interface TaskSkill {
  readonly task: string;
  readonly id: string;
  readonly folder: string;
  readonly checks: readonly Check[];
}

/** The folder of a fixture skill. */
export function fixtureSkill(id: string): string {
  return fileURLToPath(new URL(`../fixtures/skills/${id}`, import.meta.url));
}

/** The folder of a skill in examples/. */
export function exampleSkill(id: string): string {
  return fileURLToPath(new URL(`../../examples/skills/${id}`, import.meta.url));
}

/** The tasks of test/data/toolmaking that have a skill, with all their checks, hidden ones too. */
export function taskSkills(): readonly TaskSkill[] {
  const path = fileURLToPath(new URL("../data/toolmaking/tasks.jsonl", import.meta.url));
  const rows = readFileSync(path, "utf8").trim().split("\n").map((line) =>
    JSON.parse(line) as { readonly id: string; readonly checks: readonly Check[] }
  );
  return Object.entries(SOLVED).map(([task, id]) => {
    const row = rows.find((one) => one.id === task);
    if (row === undefined) throw new Error(`test/data/toolmaking has no task "${task}"`);
    return { task, id, folder: fixtureSkill(id), checks: row.checks };
  });
}
