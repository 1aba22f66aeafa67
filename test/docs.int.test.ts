import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openSkills, type Skills } from "../src/skills.ts";
import { docBlocks } from "./docs-blocks.ts";

const folder = mkdtempSync(join(tmpdir(), "skillwright-docs-"));
let skills: Skills;

beforeAll(async () => {
  skills = await openSkills({ dir: join(folder, "home"), embeddings: "none" });
});
afterAll(async () => {
  await skills.close();
  rmSync(folder, { recursive: true, force: true });
});

function block(language: string, holds: string): string {
  const found = docBlocks(language).find(({ text }) => text.includes(holds));
  if (found === undefined) throw new Error(`no ${language} block holds ${holds}`);
  return found.text;
}

function write(files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

test("the documented skill passes its documented examples, and runs", async () => {
  write({
    "word_count/manifest.toml": block("toml", 'id = "word_count"'),
    "word_count/skill.py": block("python", "def count("),
    "word_count/tests/examples.jsonl": block("json", '"expected"'),
  });
  await skills.library.install(join(folder, "word_count"));
  const report = await skills.library.test("word_count");
  expect(report).toMatchObject({ passed: true });
  expect(report.examples.map(({ status }) => status)).toEqual(["passed", "passed"]);
  await skills.library.activate("word_count");
  const { value, logs } = await skills.run("word_count", { text: "One two one", lower: true });
  expect({ value, logs }).toEqual({ value: { one: 2, two: 1 }, logs: "counting\n" });
});

test("the documented single file is a whole skill", async () => {
  write({ "shout.py": block("python", "[tool.skillwright]") });
  await skills.library.install(join(folder, "shout.py"));
  await skills.library.activate("shout");
  expect((await skills.run("shout", { text: "quiet" })).value).toBe("QUIET");
});
