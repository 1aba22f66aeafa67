import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { progressBy, readRequirements, type Requirement, table } from "../scripts/requirements.ts";

const rows = readRequirements();

test("requirements.json holds rows of all five papers", () => {
  expect(Object.keys(progressBy(rows, "paper"))).toEqual([
    "runner",
    "lifecycle",
    "runtime",
    "generator",
    "design-v2",
  ]);
});

test("requirements.json uses each id once", () => {
  const ids = rows.map((row) => row.id);
  expect(ids.filter((id, at) => ids.indexOf(id) !== at)).toEqual([]);
});

test("requirements.json says each thing once in a task", () => {
  const said = rows.map((row) => `${row.paper}: ${row.task}: ${row.requirement}`);
  expect(said.filter((text, at) => said.indexOf(text) !== at)).toEqual([]);
});

test("requirements.json names tests that exist", () => {
  const texts = new Map<string, string | undefined>();
  const wrong = rows.map((row) => whatIsWrong(row, texts)).filter((reason) => reason !== undefined);
  expect(wrong).toEqual([]);
});

test("requirements.json gives a test or a milestone in every row", () => {
  console.info(`\n${table(progressBy(rows, "paper"))}\n\n${table(progressBy(rows, "milestone"))}`);
  expect(rows.filter((row) => row.test === undefined && row.milestone === undefined)).toEqual([]);
});

/** Why the row's test can't be found, if so. The name of a test stands in its file as it stands here. */
function whatIsWrong(row: Requirement, texts: Map<string, string | undefined>): string | undefined {
  if (row.test === undefined) return undefined;
  const [file = "", ...names] = row.test.split(" > ");
  if (!texts.has(file)) texts.set(file, textOf(file));
  const text = texts.get(file);
  if (text === undefined) return `${row.id}: no file ${file}`;
  const missing = names.find((name) => !text.includes(name));
  return missing === undefined ? undefined : `${row.id}: ${file} has no test "${missing}"`;
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(fileURLToPath(new URL(`../${file}`, import.meta.url)), "utf8");
  } catch {
    return undefined;
  }
}
