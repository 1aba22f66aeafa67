import { Buffer } from "node:buffer";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inflateSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SkillError } from "../../src/base/errors.ts";
import type { Json } from "../../src/base/json.ts";
import { openSkills, type Skills } from "../../src/skills.ts";
import { cli } from "../cli/recording-terminal.ts";
import { runCli } from "./run-cli.ts";
import { type Check, exampleSkill, fixtureSkill, type TaskSkill, taskSkills } from "./task-skills.ts";

const home = mkdtempSync(join(tmpdir(), "skillwright-tasks-"));
let skills: Skills;

beforeAll(async () => {
  skills = await openSkills({ dir: home });
});

afterAll(async () => {
  await skills.close();
  rmSync(home, { recursive: true, force: true });
});

describe.each(taskSkills())("task $task", ({ id, folder, checks }: TaskSkill) => {
  test("skill passes every check when it was installed, tested and activated", async () => {
    await installTestedAndActive(folder, id);
    const outcomes: Outcome[] = [];
    for (const check of checks) outcomes.push(await outcomeOf(id, check));
    expect(outcomes).toEqual(checks.map(wantedOutcome));
  });

  test("skillwright run answers a check", async () => {
    const check = checks.find(({ compare }) => compare === "equal");
    const input = JSON.stringify(check?.input);
    const ran = await cli(["run", id, "--input", input, "--json", "--dir", home]);
    expect(ran).toMatchObject({ code: 0 });
    expect(ran.json()).toMatchObject({ skill_id: id, value: check?.expected });
  });
});

test("skillwright run answers as a process of its own while another has the home open", async () => {
  const input = JSON.stringify({ coins: [1, 5, 10], target: 15 });
  const end = await runCli(["run", "change", "--input", input, "--json", "--dir", home]);
  expect(end).toMatchObject({ code: 0 });
  expect(JSON.parse(end.stdout)).toMatchObject({ skill_id: "change", value: [5, 10] });
});

test("skillwright run exits with 1 and says why when the tool fails", async () => {
  const input = JSON.stringify({ coins: [5, 10], target: 3 });
  const end = await runCli(["run", "change", "--input", input, "--json", "--dir", home]);
  expect(end.code).toBe(1);
  expect(JSON.parse(end.stdout)).toMatchObject({
    error: { code: "tool_failed", message: expect.stringContaining("3 can't be made from [5, 10]") },
  });
});

test("skill without header and dependencies runs each of its tools when asked by name", async () => {
  await installTestedAndActive(fixtureSkill("plain_words"), "plain_words");
  const { value } = await skills.run("plain_words", { text: "One. Two!" });
  expect(value).toEqual({ words: 2, sentences: 2, characters: 9 });
  const top = await skills.run("plain_words", { text: "b a b", limit: 1 }, { tool: "top_words" });
  expect(top.value).toEqual([["b", 2]]);
});

test("skill of one file runs when its manifest stands in its header", async () => {
  await installTestedAndActive(fixtureSkill("single_file"), "single_file");
  const warm = { degrees: 20, source: "celsius", target: "fahrenheit" };
  expect((await skills.run("single_file", warm)).value).toBe(68);
  const tooCold = skills.run("single_file", { degrees: -1, source: "kelvin", target: "celsius" });
  await expect(tooCold).rejects.toMatchObject({ code: "tool_failed" });
});

test("skill of one file takes tool and schemas from its function when its manifest names none", async () => {
  const { tools } = await skills.library.info("single_file");
  expect(tools).toMatchObject([{
    name: "convert",
    description: "Convert a temperature, rounded to two places.",
    input_schema: { properties: { degrees: { type: "number" } }, required: ["degrees", "source", "target"] },
    output_schema: { type: "number" },
  }]);
  const wrong = skills.run("single_file", { degrees: "warm", source: "celsius", target: "kelvin" });
  await expect(wrong).rejects.toMatchObject({ code: "invalid_input" });
});

test("skill whose functions are marked runs them under their marked names, async ones too", async () => {
  await installTestedAndActive(fixtureSkill("decorated"), "decorated");
  expect((await skills.run("decorated", { name: "Ada" })).value).toBe("Hi Ada");
  const many = await skills.run("decorated", { names: ["a", "b", "a"] }, { tool: "how-many" });
  expect(many.value).toBe(2);
  await expect(skills.run("decorated", { names: [] }, { tool: "distinct" })).rejects.toMatchObject({
    code: "tool_not_found",
  });
});

test("stdio skill with several tools runs the one that is named", async () => {
  await installTestedAndActive(fixtureSkill("text_tools"), "text_tools");
  expect((await skills.run("text_tools", { text: "abc" })).value).toBe("cba");
  expect((await skills.run("text_tools", { text: "abc" }, { tool: "shout" })).value).toBe("ABC");
});

test("skill gives its own answer when it writes to every output", async () => {
  for (const id of ["noisy", "noisy_stdio"]) {
    await installTestedAndActive(fixtureSkill(id), id);
    expect((await skills.run(id, { a: 2, b: 40 })).value).toBe(42);
  }
});

test("skill draws a PNG into out/ when it gets a CSV in in/", async () => {
  await installTestedAndActive(fixtureSkill("csv_chart"), "csv_chart");
  const csv = Buffer.from("month,sales\njan,3\nfeb,-1\nmar,5.5\n");
  const { value, artifacts } = await skills.run("csv_chart", { width: 64, height: 48 }, {
    files: { "data.csv": csv },
  });
  expect(value).toEqual({ width: 64, height: 48, rows: 3, column: "sales" });
  expect(Object.keys(artifacts)).toEqual(["chart.png"]);
  expect(readPng(Buffer.from(artifacts["chart.png"] ?? []))).toEqual({ width: 64, height: 48, colours: 3 });
});

test("skill that draws fails with the reason when the CSV is missing", async () => {
  await expect(skills.run("csv_chart", {})).rejects.toMatchObject({
    code: "tool_failed",
    message: expect.stringContaining("in/data.csv"),
  });
});

test("example skills pass their own tests when they are installed", async () => {
  await installTestedAndActive(exampleSkill("slugify"), "slugify");
  expect((await skills.run("slugify", { title: "Crème brûlée!" })).value).toBe("creme-brulee");
  await installTestedAndActive(exampleSkill("csv_summary"), "csv_summary");
  const { value, logs } = await skills.run("csv_summary", {}, {
    files: { "data.csv": Buffer.from("a;b\n1;x\n3;\n") },
  });
  expect(value).toMatchObject({ rows: 2, columns: [{ type: "integer", mean: 2 }, { missing: 1 }] });
  expect(logs).toContain("2 rows, 2 columns");
});

test("skill with httpx runs when its environment was built", async ({ skip }) => {
  await installWithPackages("http_client", skip);
  const { value } = await skills.run("http_client", { url: "HTTPS://Example.org:443/a?b=2&a=1#top" });
  expect(value).toEqual({
    url: "https://example.org/a?a=1&b=2",
    scheme: "https",
    host: "example.org",
    path: "/a",
    query: [["a", "1"], ["b", "2"]],
  });
});

test("skill with numpy runs when its environment was built", async ({ skip }) => {
  await installWithPackages("numpy_stats", skip);
  const { value } = await skills.run("numpy_stats", { numbers: [2, 4, 4, 4, 5, 5, 7, 9] });
  expect(value).toEqual({ count: 8, mean: 5, std: 2, min: 2, median: 4.5, max: 9 });
});

test("skill is not activated when its own tests fail", async () => {
  await skills.library.install(fixtureSkill("failing_tests"));
  const report = await skills.library.test("failing_tests");
  expect(report.passed).toBe(false);
  expect(report.examples.map(({ status }) => status)).toEqual(["passed", "failed"]);
  expect(report.examples[1]).toMatchObject({ got: 9 });
  expect(report.cases.map(({ status }) => status)).toEqual(["passed", "failed"]);
  await expect(skills.run("failing_tests", { number: 3 })).rejects.toMatchObject({ code: "not_active" });
});

/** What a call of a skill gave. */
type Outcome = { readonly input: Json } & ({ readonly value: Json } | { readonly code: string });

async function outcomeOf(id: string, { input }: Check): Promise<Outcome> {
  try {
    return { input, value: (await skills.run(id, input)).value };
  } catch (error) {
    return { input, code: SkillError.from(error, "protocol_error", id).code };
  }
}

function wantedOutcome({ input, expected, compare }: Check): Outcome {
  return compare === "error" ? { input, code: "tool_failed" } : { input, value: expected };
}

async function installTestedAndActive(folder: string, id: string): Promise<void> {
  expect(await skills.library.install(folder)).toMatchObject({ id, status: "pending" });
  const { passed, handshake, cases, examples } = await skills.library.test(id);
  const failed = [...cases, ...examples].filter(({ status }) => status === "failed");
  expect({ passed, handshake, failed }).toEqual({ passed: true, handshake: { ok: true }, failed: [] });
  expect(await skills.library.activate(id)).toMatchObject({ id, status: "active" });
}

/** Skipped, with the reason, on a machine that can't get packages from an index. */
async function installWithPackages(id: string, skip: (reason: string) => void): Promise<void> {
  try {
    await installTestedAndActive(fixtureSkill(id), id);
  } catch (error) {
    const out = SkillError.isInstance(error) && ["uv_unavailable", "index_unreachable"].includes(error.code);
    if (!out) throw error;
    skip(`no packages here: ${error.message}`);
  }
}

/** Size of an 8-bit RGB PNG without filters, and how many colours it has. Throws on what is no such PNG. */
function readPng(png: Buffer): { width: number; height: number; colours: number } {
  expect(png.subarray(0, 8).toString("latin1")).toBe("\x89PNG\r\n\x1a\n");
  const [width, height] = [png.readUInt32BE(16), png.readUInt32BE(20)];
  const data = png.indexOf("IDAT");
  const raw = inflateSync(png.subarray(data + 4, data + 4 + png.readUInt32BE(data - 4)));
  const line = width * 3 + 1;
  expect(raw.length).toBe(line * height);
  const colours = new Set<string>();
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * line + 1 + x * 3;
      colours.add(raw.subarray(at, at + 3).toString("hex"));
    }
  }
  return { width, height, colours: colours.size };
}
