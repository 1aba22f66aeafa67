import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Command, MemorySaver } from "@langchain/langgraph";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createSkillGraph } from "../src/graph/create-skill-graph.ts";
import { DEFAULT_SETTINGS } from "../src/lifecycle/storage/settings.ts";
import { openSkills, type Skills } from "../src/skills.ts";
import { docBlocks } from "./docs-blocks.ts";
import { scriptedMaker, writes } from "./graph/scripted-maker.ts";
import { ROMAN, ROMAN_EXAMPLES, ROMAN_INTENT } from "./graph/support/roman.ts";

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

describe("docs/making.md", () => {
  const blocks = docBlocks("ts").filter(({ file }) => file === "docs/making.md");

  /** Runs a documented block with what it takes for granted, and answers what it printed and defined. */
  async function runBlock(holds: string, given: Readonly<Record<string, unknown>>, answers: string) {
    const found = blocks.find(({ text }) => text.includes(holds));
    const code = (found?.text ?? "").replaceAll(/^import .*\n/gm, "");
    const printed: unknown[][] = [];
    const all = { ...given, console: { log: (...said: unknown[]) => void printed.push(said) } };
    const source = `return (async () => { ${code}\nreturn ${answers}; })()`;
    // oxlint-disable-next-line typescript/no-implied-eval -- a document's own code
    const work = new Function(...Object.keys(all), source) as (...values: unknown[]) => Promise<unknown>;
    return { printed, answer: await work(...Object.values(all)) };
  }

  const maker = () => scriptedMaker(writes(ROMAN), "done");

  test("what it streams and what it makes", async () => {
    const given = { skills, createSkillGraph, Command, MemorySaver, checkpointer: new MemorySaver() };
    const { printed } = await runBlock("streamMode", {
      ...given,
      model: maker(),
      intent: ROMAN_INTENT,
      examples: ROMAN_EXAMPLES,
      thread: { configurable: { thread_id: "0" } },
    }, "null");
    expect(printed.map(([kind]) => kind)).toEqual(expect.arrayContaining(["stage", "turn", "file", "test"]));
    const { answer } = await runBlock("decision: ", { ...given, model: maker() }, "outcome");
    expect(answer).toMatchObject({ outcome: "installed", skill: { id: "roman" } });
  });

  test("every event, outcome and setting that it names is there", () => {
    const text = readFileSync(new URL("../docs/making.md", import.meta.url), "utf8");
    for (const key of Object.keys(skills.settings.generator)) expect(text).toContain(`| \`${key}\``);
    const { max_llm_turns, max_test_rounds, max_tokens, max_seconds } = DEFAULT_SETTINGS.generator;
    for (const value of [max_llm_turns, max_test_rounds, max_tokens, max_seconds]) {
      expect(text).toMatch(new RegExp(`\\| +${value} +\\|`));
    }
  });
});
