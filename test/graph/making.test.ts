import { AIMessage } from "@langchain/core/messages";
import { describe, expect, test } from "vitest";
import { createSkillGraph } from "../../src/graph/create-skill-graph.ts";
import { generateProposal } from "../../src/graph/generate.ts";
import type { GraphEvent } from "../../src/graph/types.ts";
import { asked, capitals, examples, intent, making, right } from "./capitals.ts";
import { memorySkills } from "./memory-library.ts";
import { type ScriptedCall, scriptedMaker, sentText, writes } from "./scripted-maker.ts";
import type { PackageFiles } from "../../src/lifecycle/packages/package-text.ts";

const wrong: PackageFiles = { ...right, "skill.py": "lower" };
const checks = (...given: readonly object[]): readonly ScriptedCall[] => [
  { name: "write_checks", args: { checks: given } },
];
const served = async (files: PackageFiles = right, sentence = "shout a word") => {
  const skills = memorySkills(capitals);
  const { key } = await skills.library.stage(files);
  await skills.library.installStaged(key, { triggers: [sentence] });
  await skills.library.activate("capitals");
  skills.log.length = 0;
  return skills;
};

function gate() {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { open: () => open(), opened };
}

describe("streaming", () => {
  test("tells stages, turns, files and test results while they happen", async () => {
    const skills = memorySkills(capitals);
    // each gate is opened by an event: told at the end they would wait for ever
    const gates = { file: gate(), test: gate() };
    const build = skills.library.build.bind(skills.library);
    const propose = skills.library.propose.bind(skills.library);
    const afterFile: typeof build = async (...given) => {
      await gates.file.opened;
      return await build(...given);
    };
    const afterTest: typeof propose = async (...given) => {
      await gates.test.opened;
      return await propose(...given);
    };
    Object.assign(skills.library, { build: afterFile, propose: afterTest });
    const graph = createSkillGraph({ skills, model: scriptedMaker(writes(right), "done") }).compile({
      checkpointer: false,
    });
    const stream = await graph.stream({ intent, examples }, { streamMode: ["custom", "updates"] });
    const told: string[] = [];
    for await (const [mode, data] of stream) {
      if (mode === "updates") {
        told.push(`node ${Object.keys(data).join()}`);
        continue;
      }
      const event = data as GraphEvent;
      if (event.kind === "file") gates.file.open();
      if (event.kind === "test" && event.tests !== undefined) gates.test.open();
      told.push([event.kind, event.stage, event.status, event.path ?? ""].join(" ").trim());
    }
    const inOrder = [
      "stage discover started",
      "node discover",
      "turn generate started",
      "turn generate finished",
      "node generate",
      "stage write_tools started",
      "file write_tools finished manifest.toml",
      "file write_tools finished skill.py",
      "node write_tools",
      "stage test started",
      "test test finished",
      "stage test finished",
      "node test",
      "stage propose started",
      "node propose",
      "node finish",
    ];
    expect(inOrder.map((one) => told.indexOf(one)).toSorted((a, b) => a - b)).toEqual(
      inOrder.map((one) => told.indexOf(one)),
    );
    expect(inOrder.filter((one) => !told.includes(one))).toEqual([]);
    expect(told.filter((one) => one === "test test finished")).toHaveLength(examples.length + 1);
  });

  test("carries the new text of a file, each result, and the tokens so far", async () => {
    const skills = memorySkills(capitals);
    const events: GraphEvent[] = [];
    const model = scriptedMaker(writes(right), "done");
    await generateProposal({ skills, model }, { intent, examples }, {
      onEvent: (event) => events.push(event),
    });
    expect(events.find(({ kind }) => kind === "file")).toMatchObject({
      path: "manifest.toml",
      content: right["manifest.toml"],
    });
    expect(events.flatMap(({ result }) => result?.example ?? [])).toEqual(
      expect.arrayContaining([...examples]),
    );
    const tokens = events.flatMap((event) => event.tokens ?? []);
    expect(tokens).toHaveLength(2);
    expect(tokens[1]).toBeGreaterThan(tokens[0] ?? Infinity);
  });
});

describe("a verifier", () => {
  test("writes checks from the intent and the interface, never from the code", async () => {
    const verifier = scriptedMaker(checks({ input: { text: "ß" }, expected: "SS" }));
    const model = scriptedMaker(writes({ ...right, "skill.py": "upper, with a secret idea" }), "done");
    const request = asked(await making({ model, verifier }).start());
    expect(request.proposal.findings).toEqual([]);
    expect(request.report).toMatchObject({ rounds: 1, turns: 2, verifier: expect.any(String) });
    const told = sentText(verifier.calls[0]?.messages ?? []);
    expect(told).toContain(intent);
    expect(told).not.toContain("secret idea");
    expect(verifier.calls).toHaveLength(1);
  });

  test("has the maker told once where the skill answers otherwise", async () => {
    const verifier = scriptedMaker(checks({ input: { text: "ab" }, expected: "AB" }));
    const model = scriptedMaker(writes(wrong), "done", writes({ "skill.py": "upper" }), "repaired");
    const request = asked(await making({ model, verifier }).start({ intent }));
    expect(request.proposal).toMatchObject({ files: right, rounds: 2, findings: [] });
    const told = sentText(model.calls[2]?.messages ?? []);
    expect(told).toContain("Somebody who knows only the intent");
    expect(told).toContain('expected: "AB"');
  });

  test("that is told otherwise by the maker has the person told", async () => {
    const verifier = scriptedMaker(checks({ input: { text: "ab" }, expected: "Ab" }));
    const model = scriptedMaker(writes(right), "done", "it is right as it is");
    const request = asked(await making({ model, verifier }).start());
    expect(request.proposal.files).toEqual(right);
    expect(request.proposal.findings).toMatchObject([{
      severity: "warning",
      rule: "graph/verifier",
      message: 'the verifier expects "Ab" for {"text":"ab"}, it answers "AB"',
    }]);
  });

  test.each([
    ["fails", scriptedMaker(() => new Error("no key"))],
    ["writes no checks", scriptedMaker("looks fine")],
    ["writes nonsense", scriptedMaker(checks({ input: 1, expected: undefined }, { expected: 2 }))],
  ])("that %s ends nothing", async (_how, verifier) => {
    const { proposal } = asked(
      await making({ model: scriptedMaker(writes(right), "done"), verifier }).start(),
    );
    expect(proposal.files).toEqual(right);
  });
});

describe("reuse is decided and recorded", () => {
  test("by the examples", async () => {
    const skills = await served();
    const outcome = await generateProposal({ skills }, { intent, examples });
    expect(outcome).toMatchObject({
      outcome: "existing_match",
      report: { reuse: '"capitals" does it: passes 5 example(s)' },
    });
    expect(skills.log).toContain("reuse capitals");
    expect(await skills.library.makings()).toMatchObject([
      { outcome: "existing_match", skill_id: "capitals", reuse: '"capitals" does it: passes 5 example(s)' },
    ]);
  });

  test("by the maker where there are no examples, and only there", async () => {
    const take = (skill_id: string): readonly ScriptedCall[] => [
      { name: "use_existing_skill", args: { skill_id, reason: "it shouts any text" } },
    ];
    const model = scriptedMaker(take("another"), take("capitals"));
    const outcome = await generateProposal({ skills: await served(), model, maker: "m" }, { intent });
    expect(outcome).toMatchObject({
      outcome: "existing_match",
      skill_id: "capitals",
      how: 'the maker "m" judges, without an example to prove it: it shouts any text',
    });
    expect(sentText(model.calls[1]?.messages ?? [])).toContain('you were not shown a skill "another"');

    const skills = await served(wrong);
    const files = { ...right, "manifest.toml": right["manifest.toml"]?.replace("1.0.0", "2.0.0") ?? "" };
    const insisting = scriptedMaker(take("capitals"), writes(files), "done");
    expect(await generateProposal({ skills, model: insisting }, { intent, examples })).toMatchObject({
      outcome: "proposed",
      proposal: { version: "2.0.0", reuse: expect.stringContaining("capitals (example 1 of 5") },
    });
  });

  test("by the person, who is shown what came near", async () => {
    const files = { ...right, "manifest.toml": right["manifest.toml"]?.replace("capitals", "other") ?? "" };
    const { start } = making({ skills: await served(), model: scriptedMaker(writes(files), "done") });
    const request = asked(await start({ intent }));
    expect(request.alternatives).toMatchObject([{ skill_id: "capitals", tried: expect.any(String) }]);
  });
});

describe("a new version of an existing skill", () => {
  const version = (text: string) => ({
    "manifest.toml": right["manifest.toml"]?.replace("1.0.0", "1.1.0") ?? "",
    "skill.py": text,
  });
  const kept = { "tests/examples.jsonl": '{"input": {"text": "q"}, "expected": "Q"}\n' };

  test("must pass the examples of the one that serves", async () => {
    const skills = await served({ ...right, ...kept });
    const model = scriptedMaker(writes(version("lower")), "done", writes({ "skill.py": "upper" }), "done");
    const own = [{ input: { text: "7" }, expected: "7" }];
    const outcome = await generateProposal({ skills, model }, { intent, examples: own });
    expect(outcome).toMatchObject({ outcome: "proposed", proposal: { version: "1.1.0", rounds: 2 } });
    const told = sentText(model.calls[2]?.messages ?? []);
    expect(told).toContain("It breaks what version 1.0.0 of this skill does");
    expect(told).toContain('expected: "Q"');
  });

  test("must keep its tools", async () => {
    const tool = '[[tools]]\nname = "shout"\n';
    const skills = await served({ ...right, "manifest.toml": `${right["manifest.toml"]}${tool}` });
    const without = version("upper");
    const model = scriptedMaker(
      writes(without),
      "done",
      writes({ "manifest.toml": `${without["manifest.toml"]}${tool}` }),
      "done",
    );
    // the stand-in library reads a package's tools off its manifest alone
    const validate = skills.library.validate.bind(skills.library);
    Object.assign(skills.library, {
      validate: async (path: string) => {
        const report = await validate(path);
        return { ...report, tools: report.manifest?.tools ?? [] };
      },
    });
    expect(await generateProposal({ skills, model }, { intent })).toMatchObject({ outcome: "proposed" });
    expect(sentText(model.calls[2]?.messages ?? [])).toContain('lacks the tool "shout"');
  });
});

describe("the history", () => {
  test("has one entry a run, with what it took and how it stands", async () => {
    const { skills, start, resume } = making({
      model: scriptedMaker(writes(right), "done"),
      maker: "scripted",
    });
    const { digest } = asked(await start());
    const [waiting] = await skills.library.makings();
    expect(waiting).toMatchObject({
      intent,
      outcome: "proposed",
      skill_id: "capitals",
      version: "1.0.0",
      maker: "scripted",
      verifier: null,
      reuse: "no skill comes near",
      rounds: 1,
      turns: 2,
    });
    expect(waiting?.tokens).toBeGreaterThan(0);
    await resume({ decision: "approve", digest });
    expect(await skills.library.makings()).toMatchObject([{ id: waiting?.id, outcome: "installed" }]);
  });
});

describe("budgets", () => {
  const says = (tokens: number) =>
    Object.assign(new AIMessage(""), {
      usage_metadata: { input_tokens: 0, output_tokens: tokens, total_tokens: tokens },
    });

  test.each([
    ["turns", { max_llm_turns: 1, max_test_rounds: 1 }, scriptedMaker(writes({ "skill.py": "x" }))],
    ["rounds", { max_test_rounds: 2 }, scriptedMaker(writes(wrong), "done", "no idea")],
    ["tokens", { max_tokens: 500 }, scriptedMaker(says(600))],
    ["seconds", { max_seconds: 0.02 }, scriptedMaker(writes(right), "done")],
  ])("of %s end a run with a typed outcome, and leave nothing", async (budget, config, model) => {
    const skills = memorySkills(capitals);
    if (budget === "seconds") {
      Object.assign(skills.library, { validate: () => new Promise(() => {}) });
    }
    const outcome = await generateProposal({ skills, model, config }, { intent, examples });
    expect(outcome).toMatchObject({ outcome: "failed", code: "budget_exceeded", budget });
    expect(skills.staged.size).toBe(0);
    expect(await skills.library.makings()).toMatchObject([{ outcome: "failed", code: "budget_exceeded" }]);
  });
});
