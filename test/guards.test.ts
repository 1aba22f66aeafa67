import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { type Guard, occurrences, readGuards } from "../scripts/guards.ts";
import { readRequirements } from "../scripts/requirements.ts";

const guards = readGuards();
const rows = new Map(readRequirements().map((row) => [row.id, row]));

function textOf(file: string): string {
  try {
    return readFileSync(fileURLToPath(new URL(`../${file}`, import.meta.url)), "utf8");
  } catch {
    return "";
  }
}

/** Whether each part of `file > suite > name` stands in the file. */
function isThere(test: string): boolean {
  const [file = "", ...names] = test.split(" > ");
  const text = textOf(file);
  return names.every((name) => text.includes(name));
}

function idsWhere(isWrong: (guard: Guard) => boolean): readonly string[] {
  return guards.filter(isWrong).map(({ id }) => id);
}

test("each guard has an id of its own", () => {
  const ids = guards.map(({ id }) => id);
  expect(ids.filter((id, at) => ids.indexOf(id) !== at)).toEqual([]);
});

test("each guard stands exactly once in its file, and taking it out changes something", () => {
  expect(idsWhere(({ file, find, replace }) => find === replace || occurrences(textOf(file), find) !== 1))
    .toEqual([]);
});

test("each guard names a test that exists", () => {
  expect(idsWhere((guard) => !isThere(guard.test))).toEqual([]);
});

test("each guard names rows of requirements.json", () => {
  expect(idsWhere(({ requirements }) => requirements.some((id) => !rows.has(id)))).toEqual([]);
});

test("each row with a test has a guard that proves it with that test", () => {
  const proven = new Set(guards.flatMap((guard) => guard.requirements.map((id) => `${id}: ${guard.test}`)));
  const named = [...rows.values()].filter((row) => row.test !== undefined).map((row) =>
    `${row.id}: ${row.test}`
  );
  expect(named.filter((line) => !proven.has(line))).toEqual([]);
});
