import { Buffer } from "node:buffer";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { doctor } from "../../src/operations/doctor.ts";
import { approve, generate, proposal, proposals, reject } from "../../src/operations/generate.ts";
import * as lifecycle from "../../src/operations/lifecycle.ts";
import { duplicates } from "../../src/operations/duplicates.ts";
import { list } from "../../src/operations/list.ts";
import { search } from "../../src/operations/search.ts";
import { perform } from "../../src/operations/perform.ts";
import { run } from "../../src/operations/run.ts";
import type { OperationContext, OperationEvent } from "../../src/operations/types.ts";
import { scriptedMaker, writes } from "../graph/scripted-maker.ts";
import { fixtureSkill } from "../main-path/task-skills.ts";
import { type TemporarySkills, temporarySkills } from "./temporary-skills.ts";

let home: TemporarySkills;
let context: OperationContext;

beforeAll(async () => {
  home = await temporarySkills();
  context = { skills: home.skills, actor: { via: "code" } };
  await home.serve(fixtureSkill("plain_words"), fixtureSkill("csv_chart"));
});
afterAll(() => home.close());

const staged = () => readdir(join(home.dir, ".state", "staging")).catch(() => []);

describe("run", () => {
  test("carries files in and out as base64", async () => {
    const csv = Buffer.from("a,b\nx,1\ny,2\n").toString("base64");
    const answer = await perform(run, context, {
      id: "csv_chart",
      input: { width: 40, height: 40 },
      files: { "data.csv": csv },
    });
    expect(answer).toMatchObject({ value: { rows: 2 }, tool: "draw", skill_id: "csv_chart" });
    const [png] = answer.artifacts;
    const bytes = Buffer.from(png?.base64 ?? "", "base64");
    expect(png).toMatchObject({ path: "chart.png", size: bytes.length });
    expect(bytes.subarray(1, 4).toString()).toBe("PNG");
  });

  test("refuses a file that is not base64", async () => {
    const call = perform(run, context, { id: "csv_chart", input: {}, files: { "data.csv": "a,b\n" } });
    await expect(call).rejects.toMatchObject({ code: "invalid_input" });
  });

  test("ends when the caller's signal ends, before and while it runs", async () => {
    const gone = { ...context, signal: AbortSignal.abort() };
    await expect(perform(run, gone, { id: "plain_words", input: { text: "a" } })).rejects.toMatchObject({
      code: "cancelled",
    });
    await home.serve(fixtureSkill("slow"));
    const stop = new AbortController();
    const call = perform(run, { ...context, signal: stop.signal }, { id: "slow", input: { seconds: 50 } });
    stop.abort();
    await expect(call).rejects.toMatchObject({ code: "cancelled" });
  });
});

describe("search and list", () => {
  test("search finds active skills alone, unless asked for all", async () => {
    await home.skills.library.install(fixtureSkill("text_tools"));
    const query = "reverse a text or make it loud";
    const ids = async (all: boolean) =>
      (await perform(search, context, { query, all })).matches.map(({ id, status }) => `${id} ${status}`);
    expect(await ids(true)).toContain("text_tools pending");
    expect((await ids(false)).filter((line) => line.startsWith("text_tools"))).toEqual([]);
  });

  test("search filters by status, type, tags, permissions and tool mode", async () => {
    const query = "words of a text, bar chart from a csv file, fetch a page";
    const ids = async (filters: Readonly<Record<string, unknown>>) =>
      (await perform(search, context, { query, limit: 20, ...filters })).matches.map(({ id }) => id).sort();
    const all = await ids({ all: true });
    expect(await ids({ status: "pending" })).toEqual(["text_tools"]);
    expect(await ids({ all: true, type: "python" })).toEqual(all);
    expect(await ids({ all: true, type: "conversation" })).toEqual([]);
    expect(await ids({ tags: ["no such tag"] })).toEqual([]);
    expect(await ids({ permissions: [] })).toContain("plain_words");
    expect(await ids({ tool_mode: "read_only" })).toContain("plain_words");
    await expect(ids({ permissions: ["everything"] })).rejects.toMatchObject({ code: "invalid_input" });
    await expect(ids({ tool_mode: "all" })).rejects.toMatchObject({ code: "invalid_input" });
  });

  test("search says why it found a skill: score, meaning, words, and the text that matched", async () => {
    const { matches, mode, degraded } = await perform(search, context, { query: "count words" });
    expect(matches[0]).toMatchObject({
      id: "plain_words",
      score: expect.any(Number),
      cosine: null,
      lexical: 1,
      related: true,
      matched: expect.stringContaining("ords"),
    });
    expect({ mode, degraded }).toEqual({ mode: "lexical", degraded: "no embedding model was asked for" });
  });

  test("search with related_only leaves out what is far from the query", async () => {
    const far = await perform(search, context, { query: "zebra crossing", related_only: true });
    expect(far).toMatchObject({ matches: [], more: 0 });
  });

  test("duplicates shows pairs of skills with the texts that are alike", async () => {
    const files = await home.skills.library.stage(
      Object.fromEntries(
        Object.entries(await home.skills.library.files("plain_words")).map(([path, text]) => [
          path,
          text.replace('id = "plain_words"', 'id = "other_words"'),
        ]),
      ),
    );
    await home.skills.library.build(files.key);
    await home.skills.library.installStaged(files.key);
    const { pairs } = await perform(duplicates, context, {});
    expect(pairs).toMatchObject([{ a: "other_words", b: "plain_words", how: "text", cosine: null }]);
  });

  test("search says how many it does not show", async () => {
    const query = "words of a text, bar chart from a csv file";
    const { skills } = await perform(list, context, { status: "active" });
    const all = await perform(search, context, { query });
    const one = await perform(search, context, { query, limit: 1 });
    expect(all.matches.length).toBeGreaterThan(1);
    expect(one).toMatchObject({
      matches: [{ id: all.matches[0]?.id }],
      more: skills.length - 1,
      mode: "lexical",
    });
  });

  test("list filters by status", async () => {
    const { skills } = await perform(list, context, { status: "active" });
    expect(skills.map(({ id }) => id)).toContain("plain_words");
    expect(skills.every(({ status }) => status === "active")).toBe(true);
    expect((await perform(list, context, {})).skills.length).toBeGreaterThan(skills.length);
  });
});

describe("a life", () => {
  test("install with a failing test leaves a candidate that never served", async () => {
    const package_dir = fixtureSkill("failing_tests");
    const { skill_info } = await perform(lifecycle.install, context, { package_dir, test: true });
    expect(skill_info).toMatchObject({ serving: null, last_error: expect.any(String) });
    const { report } = await perform(lifecycle.test, context, { id: "failing_tests" });
    expect(report.passed).toBe(false);
  });

  test("quarantine needs a reason and keeps it", async () => {
    await expect(perform(lifecycle.quarantine, context, { id: "csv_chart" })).rejects.toMatchObject({
      code: "invalid_input",
    });
    const { skill_info } = await perform(lifecycle.quarantine, context, {
      id: "csv_chart",
      reason: "draws lies",
    });
    expect(skill_info).toMatchObject({ status: "quarantined", last_error: "draws lies" });
    await expect(perform(run, context, { id: "csv_chart", input: {} })).rejects.toMatchObject({
      code: "not_active",
    });
  });
});

describe("generate", () => {
  const intent = "say a word twice";
  const files = {
    "manifest.toml": `id = "twice"
name = "Twice"
version = "1.0.0"
description = "Say a word twice"

[[tools]]
name = "twice"
description = "The word, twice"
input_schema = { type = "object", properties = { word = { type = "string" } }, required = ["word"] }
output_schema = { type = "string" }
`,
    "skill.py": `# /// script
# requires-python = ">=3.9"
# dependencies = []
# ///
def twice(word: str) -> str:
    return word * 2
`,
  };
  const examples = [{ input: { word: "ab" }, expected: "abab" }];
  const withMaker = (): OperationContext => ({
    ...context,
    maker: { model: scriptedMaker(writes(files), "done"), name: "scripted" },
  });

  test("generate proposes and installs nothing; approve needs the digest of the proposal", async () => {
    const events: OperationEvent[] = [];
    const outcome = await perform(generate, { ...withMaker(), onEvent: (event) => events.push(event) }, {
      intent,
      examples,
    });
    if (outcome.outcome !== "proposed") throw new Error(JSON.stringify(outcome));
    const { id, digest } = outcome.proposal;
    expect(outcome).toMatchObject({
      proposal: { maker: "scripted", skill_id: "twice" },
      report: { rounds: 1 },
    });
    expect(outcome.approve_with).toBe(`skillwright approve ${id} --digest ${digest}`);
    expect(events.filter(({ status }) => status === "finished").map(({ stage }) => stage)).toContain("test");
    expect((await perform(list, context, {})).skills.map((skill) => skill.id)).not.toContain("twice");
    expect(await perform(proposals, context, { status: "pending" })).toMatchObject({ proposals: [{ id }] });

    await expect(perform(approve, context, { id, digest: "0".repeat(64) })).rejects.toMatchObject({
      code: "digest_mismatch",
    });
    expect(await perform(proposal, context, { id })).toMatchObject({ proposal: { status: "pending" } });

    const { skill_info } = await perform(approve, context, { id, digest });
    expect(skill_info).toMatchObject({ id: "twice", status: "active" });
    expect((await perform(run, context, { id: "twice", input: { word: "x" } })).value).toBe("xx");
    await expect(perform(reject, context, { id, reason: "too late" })).rejects.toMatchObject({
      code: "proposal_decided",
    });
  });

  test("generate without a model fails with the evidence when examples ask for more than a scaffold", async () => {
    const outcome = await perform(generate, context, { intent: "spell a word backwards", examples });
    expect(outcome).toMatchObject({ outcome: "failed", code: "tests_failed", report: { maker: "template" } });
    expect(await staged()).toEqual([]);
  });

  test("generate refuses an intent that says nothing", async () => {
    expect(await perform(generate, context, { intent: " … " })).toMatchObject({
      outcome: "failed",
      code: "invalid_intent",
    });
  });

  test("a rejected proposal is not approved any more", async () => {
    const outcome = await perform(generate, context, { intent: "an idea for later" });
    if (outcome.outcome !== "proposed") throw new Error(JSON.stringify(outcome));
    const { id, digest } = outcome.proposal;
    expect(await perform(reject, context, { id, reason: "not now" })).toMatchObject({
      proposal: { status: "rejected" },
    });
    expect(await staged()).toEqual([]);
    await expect(perform(approve, context, { id, digest })).rejects.toMatchObject({
      code: "proposal_decided",
    });
  });
});

describe("doctor", () => {
  test("doctor is content when the canary ran and a skill answered, and leaves nothing", async () => {
    const report = await perform(doctor, context, {});
    expect(report).toMatchObject({
      ok: true,
      home: home.dir,
      sandbox: { usable: true },
      python: { version: expect.stringMatching(/^3\./) },
      skill: { ok: true },
      problems: [{ part: "model" }],
    });
    expect(await staged()).toEqual([]);
  });

  test("doctor is not content and says why when nothing can be confined", async () => {
    const bare = await temporarySkills({ sandbox: "bubblewrap", programs: { bwrap: "/nonexistent/bwrap" } });
    try {
      const report = await perform(doctor, { ...context, skills: bare.skills }, {});
      expect(report).toMatchObject({ ok: false, sandbox: { usable: false }, skill: { ok: false } });
      expect(report.problems.filter(({ part }) => part === "sandbox")).not.toEqual([]);
      expect(report.problems.every(({ message }) => message !== "")).toBe(true);
    } finally {
      await bare.close();
    }
  });
});
