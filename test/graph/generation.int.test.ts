import { mkdtempSync, rmSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command, MemorySaver } from "@langchain/langgraph";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createSkillGraph } from "../../src/graph/create-skill-graph.ts";
import { generateProposal, installProposal } from "../../src/graph/generate.ts";
import { MAKER_PROMPT } from "../../src/graph/prompts/maker.ts";
import type { ApprovalRequest, GeneratorOutcome, SkillGraphOptions } from "../../src/graph/types.ts";
import type { SkillInfo } from "../../src/lifecycle/types.ts";
import { openSkills, type Skills } from "../../src/skills.ts";
import { scriptedMaker, sentText, writes } from "./scripted-maker.ts";
import { ROMAN_MANIFEST } from "./support/roman.ts";
import type { Example } from "../../src/lifecycle/test-report.ts";
import type { PackageFiles } from "../../src/lifecycle/packages/package-text.ts";

const intent = "turn a whole number from 1 to 3999 into a Roman numeral";
const examples: readonly Example[] = [
  { input: { number: 1 }, expected: "I" },
  { input: { number: 4 }, expected: "IV" },
  { input: { number: 1994 }, expected: "MCMXCIV" },
  { input: { number: 3999 }, expected: "MMMCMXCIX" },
  { input: { number: 58 }, expected: "LVIII" },
  { input: { number: 0 }, compare: "error" },
];

const script = (table: string): string =>
  `# /// script
# requires-python = ">=3.9"
# dependencies = []
# ///

TABLE = [${table}]


def to_roman(number: int) -> str:
    if not 1 <= number <= 3999:
        raise ValueError(f"number must be 1 to 3999, got {number}")
    text = ""
    for value, sign in TABLE:
        while number >= value:
            text += sign
            number -= value
    return text
`;
const additive = script('(1000, "M"), (500, "D"), (100, "C"), (50, "L"), (10, "X"), (5, "V"), (1, "I")');
const correct = script(
  '(1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), ' +
    '(50, "L"), (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")',
);
const right: PackageFiles = { "manifest.toml": ROMAN_MANIFEST, "skill.py": correct };

let dir: string;
let skills: Skills;

const open = () => openSkills({ dir, embeddings: "none" });

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "skillwright-graph-"));
  skills = await open();
});
afterAll(async () => {
  await skills.close();
  rmSync(dir, { recursive: true, force: true });
});

/** Each test has a home of its own; opening one costs some milliseconds. */
beforeEach(async () => {
  await skills.close();
  rmSync(dir, { recursive: true, force: true });
  skills = await open();
});

interface Step {
  readonly outcome: GeneratorOutcome | null;
  readonly asked: ApprovalRequest | null;
}

function read(state: object): Step {
  const { outcome = null, __interrupt__: interrupts } = state as {
    readonly outcome?: GeneratorOutcome | null;
    readonly __interrupt__?: readonly { readonly value: ApprovalRequest }[];
  };
  return { outcome, asked: interrupts?.[0]?.value ?? null };
}

function asked({ asked: request, outcome }: Step): ApprovalRequest {
  if (request === null) throw new Error(`nobody was asked: ${JSON.stringify(outcome)}`);
  return request;
}

const thread = { configurable: { thread_id: "1" } };
const graphWith = (checkpointer: MemorySaver, options: Partial<SkillGraphOptions> = {}) =>
  createSkillGraph({ skills, ...options }).compile({ checkpointer });
const staged = () => readdir(join(dir, ".state", "staging"));

describe("the generation graph with a real library", () => {
  test("makes, repairs, asks, installs, and the skill runs and is found", async () => {
    const model = scriptedMaker(
      [...writes({ "manifest.toml": ROMAN_MANIFEST, "skill.py": additive }), { name: "run_tests", args: {} }],
      "done",
      [...writes({ "skill.py": correct }), { name: "run_tests", args: {} }],
      "repaired",
    );
    const graph = graphWith(new MemorySaver(), { model, maker: "scripted" });
    const request = asked(read(await graph.invoke({ intent, examples }, thread)));
    expect(request).toMatchObject({
      proposal: {
        skill_id: "roman",
        status: "pending",
        maker: "scripted",
        rounds: 2,
        tests: { passed: true },
      },
      new_permissions: [],
      report: { rounds: 2, turns: 4, shown: 5, held_back: 1 },
    });
    expect(await skills.library.list()).toEqual([]);

    const repair = sentText(model.calls[2]?.messages ?? []);
    expect(repair).toMatch(/input: \{"number":\d+\}\n +expected: "[IVXLCDM]+"\n +got: "[IVXLCDM]+"/);

    const resume = { decision: "approve", digest: request.digest, by: "ada" };
    const { outcome } = read(await graph.invoke(new Command({ resume }), thread));
    expect(outcome).toMatchObject({
      outcome: "installed",
      skill: { id: "roman", status: "active" },
      proposal: { status: "installed" },
    });
    expect((await skills.library.run("roman", { number: 2024 })).value).toBe("MMXXIV");
    expect((await skills.discovery.search("roman numeral")).matches[0]?.id).toBe("roman");
    expect(await readFile(join(dir, "roman.py"), "utf8")).toBe(correct);
    expect(await readFile(join(dir, "roman", "manifest.toml"), "utf8")).toBe(ROMAN_MANIFEST);
    expect(await readFile(join(dir, "roman", "skill.py"), "utf8")).toBe(correct);
    expect(await staged()).toEqual([]);

    const again = await generateProposal({ skills }, {
      intent: "Turn a whole number, from 1 to 3999, into a roman numeral!",
    });
    expect(again).toMatchObject({ outcome: "existing_match", skill_id: "roman" });
    const verified = await generateProposal({ skills }, {
      intent: "write years like the Romans did: roman numeral",
      examples,
    });
    expect(verified).toMatchObject({ outcome: "existing_match", how: "passes 6 example(s)" });
  });

  test("goes on in another process's graph, where the digest still binds", async () => {
    const checkpointer = new MemorySaver();
    const model = scriptedMaker(writes(right), "done");
    const request = asked(
      read(await graphWith(checkpointer, { model }).invoke({ intent, examples }, thread)),
    );
    await skills.close();
    skills = await open();
    const graph = graphWith(checkpointer);
    const wrong = { decision: "approve", digest: "0".repeat(64) };
    const refused = asked(read(await graph.invoke(new Command({ resume: wrong }), thread)));
    expect(refused).toMatchObject({ refused: { code: "digest_mismatch" }, proposal: request.proposal });
    expect(await skills.library.list()).toEqual([]);
    const resume = { decision: "approve", digest: request.digest };
    expect(read(await graph.invoke(new Command({ resume }), thread)).outcome).toMatchObject({
      outcome: "installed",
    });
    expect((await skills.library.run("roman", { number: 9 })).value).toBe("IX");
  });

  test("leaves nothing behind when it is rejected", async () => {
    const graph = graphWith(new MemorySaver(), { model: scriptedMaker(writes(right), "done") });
    asked(read(await graph.invoke({ intent, examples }, thread)));
    const { outcome } = read(
      await graph.invoke(new Command({ resume: { decision: "reject", reason: "no" } }), thread),
    );
    expect(outcome).toMatchObject({ outcome: "rejected", reason: "no" });
    expect(await skills.library.list()).toEqual([]);
    expect(await staged()).toEqual([]);
  });

  test("tests an edit before it asks again", async () => {
    const graph = graphWith(new MemorySaver(), { model: scriptedMaker(writes(right), "done") });
    const first = asked(read(await graph.invoke({ intent, examples }, thread)));
    const edit = async (source: string) =>
      asked(
        read(
          await graph.invoke(
            new Command({ resume: { decision: "edit", files: { "skill.py": source } } }),
            thread,
          ),
        ),
      );
    expect(await edit(additive)).toMatchObject({ refused: { code: "tests_failed" }, digest: first.digest });
    expect(await edit("import os\nos.fork(")).toMatchObject({
      refused: { code: "validation_failed" },
      digest: first.digest,
    });
    const good = await edit(`${correct}\n# read by ada\n`);
    expect(good.digest).not.toBe(first.digest);
    const resume = { decision: "approve", digest: good.digest };
    expect(read(await graph.invoke(new Command({ resume }), thread)).outcome).toMatchObject({
      outcome: "installed",
    });
    expect(await readFile(join(dir, "roman.py"), "utf8")).toContain("read by ada");
  });

  test("shows what a new version changes", async () => {
    await install(right);
    const grown = {
      "manifest.toml": ROMAN_MANIFEST.replace("1.0.0", "1.1.0"),
      "skill.py": correct.replace("3999", "4999").replace("3999", "4999"),
    };
    const model = scriptedMaker(writes(grown), "done");
    const more: readonly Example[] = [{ input: { number: 4000 }, expected: "MMMM" }];
    const request = asked(
      read(await graphWith(new MemorySaver(), { model }).invoke({ intent, examples: more }, thread)),
    );
    expect(request.diff).toContain("+    if not 1 <= number <= 4999:");
    expect(request.proposal.version).toBe("1.1.0");
  });

  test("installs one skill from two graphs that made the same bytes at the same time", async () => {
    const model = () => scriptedMaker(writes(right), "done");
    const both = await Promise.all(
      [1, 2].map(() => generateProposal({ skills, model: model() }, { intent, examples })),
    );
    const done: SkillInfo[] = [];
    for (const outcome of both) {
      if (outcome.outcome !== "proposed") throw new Error(JSON.stringify(outcome));
      const { id, digest } = outcome.proposal;
      done.push(await installProposal(skills, id, { approvedDigest: digest }));
    }
    expect(done.map((info) => [info.id, info.status])).toEqual([["roman", "active"], ["roman", "active"]]);
    expect(await skills.library.generations("roman")).toHaveLength(1);
  });

  test("installs a proposal after the home was opened anew, and refuses other bytes and rejected ones", async () => {
    const outcome = await generateProposal({ skills, model: scriptedMaker(writes(right), "done") }, {
      intent,
      examples,
    });
    if (outcome.outcome !== "proposed") throw new Error(JSON.stringify(outcome));
    await skills.close();
    skills = await open();
    const { id, digest } = outcome.proposal;
    await expect(installProposal(skills, id, { approvedDigest: digest.replace(/^./, "x") })).rejects
      .toMatchObject({ code: "digest_mismatch" });
    const info = await installProposal(skills, id, {
      approvedDigest: digest,
      actor: { via: "cli", name: "ada" },
    });
    expect(info).toMatchObject({ id: "roman", status: "active", serving: { digest } });
    expect(await installProposal(skills, id, { approvedDigest: digest })).toEqual(info);
  });

  test("writes a scaffold without a model, which runs, and fails examples", async () => {
    const outcome = await generateProposal({ skills }, { intent: 'say "hi"\nto \u0007 many' });
    if (outcome.outcome !== "proposed") throw new Error(JSON.stringify(outcome));
    const info = await installProposal(skills, outcome.proposal, { approvedDigest: outcome.proposal.digest });
    expect((await skills.library.run(info.id, { name: "Ada" })).value).toMatchObject({
      scaffold: true,
      received: { name: "Ada" },
    });
    expect(await generateProposal({ skills }, { intent, examples })).toMatchObject({
      outcome: "failed",
      code: "tests_failed",
    });
    expect(await staged()).toEqual([]);
  });
});

test("the package that the maker's prompt shows is valid", async () => {
  const block = (start: string, end: string): string => {
    const lines = MAKER_PROMPT.split("\n");
    const from = lines.findIndex((line) => line.startsWith(start));
    const to = lines.findIndex((line, index) => index > from && line.startsWith(end));
    return lines.slice(from + 1, to).join("\n").replaceAll(/^ {4}/gm, "");
  };
  const { dir: folder } = await skills.library.stage({
    "manifest.toml": block("manifest.toml says", "Only if it is needed"),
    "skill.py": block("skill.py is one file", "The input object's"),
  });
  expect(await skills.library.validate(folder)).toMatchObject({
    ok: true,
    findings: [],
    manifest: { id: "roman_numerals", default_tool: "to_roman" },
  });
});

async function install(files: PackageFiles): Promise<void> {
  const outcome = await generateProposal({ skills, model: scriptedMaker(writes(files), "done") }, {
    intent,
    examples,
  });
  if (outcome.outcome !== "proposed") throw new Error(JSON.stringify(outcome));
  await installProposal(skills, outcome.proposal, { approvedDigest: outcome.proposal.digest });
}
