import { AIMessage, ToolMessage } from "@langchain/core/messages";
import { Command, MemorySaver } from "@langchain/langgraph";
import { describe, expect, test } from "vitest";
import { callsOf } from "../../src/graph/maker-reply.ts";
import { recursionLimit } from "../../src/graph/config.ts";
import { createSkillGraph } from "../../src/graph/create-skill-graph.ts";
import { generateProposal, installProposal } from "../../src/graph/generate.ts";
import type {
  ApprovalRequest,
  GeneratorOutcome,
  GraphEvent,
  SkillGraphOptions,
} from "../../src/graph/types.ts";
import { type Behaviour, memorySkills } from "./memory-library.ts";
import { scriptedMaker, type ScriptedTurn, sentText, writes } from "./scripted-maker.ts";
import type { Example } from "../../src/lifecycle/test-report.ts";
import type { PackageFiles } from "../../src/lifecycle/packages/package-text.ts";

/** In these tests the script's text says what the skill does. */
const behave: Behaviour = (files, _tool, input) => {
  const { text = "" } = input as { readonly text?: string };
  const script = files["skill.py"] ?? "";
  if (script.includes("raise")) throw new Error("ValueError: no");
  if (script.includes("upper")) return text.toUpperCase();
  return text;
};

const intent = "turn a text into capitals";
const examples: readonly Example[] = ["a", "b", "c", "d", "e"].map((text) => ({
  input: { text },
  expected: text.toUpperCase(),
}));
const manifest = (id: string, version = "1.0.0"): string =>
  `id = "${id}"\nversion = "${version}"\ndescription = "capitals"\n`;
const right: PackageFiles = { "manifest.toml": manifest("capitals"), "skill.py": "upper" };
const wrong: PackageFiles = { "manifest.toml": manifest("capitals"), "skill.py": "lower" };

function setUp(options: Partial<SkillGraphOptions> = {}) {
  const skills = memorySkills(behave);
  const graph = createSkillGraph({ skills, ...options }).compile({ checkpointer: new MemorySaver() });
  const thread = { configurable: { thread_id: "1" } };
  return {
    skills,
    graph,
    start: async (request: { intent: string; examples?: readonly Example[] } = { intent, examples }) =>
      read(await graph.invoke(request, thread)),
    resume: async (resume: unknown) => read(await graph.invoke(new Command({ resume }), thread)),
  };
}

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

function asked(step: Step): ApprovalRequest {
  if (step.asked === null) throw new Error(`nobody was asked: ${JSON.stringify(step.outcome)}`);
  return step.asked;
}

describe("the generation graph", () => {
  test("installs what was approved, after a repair from the evidence", async () => {
    const model = scriptedMaker(writes(wrong), "done", writes({ "skill.py": "upper" }), "repaired");
    const { skills, start, resume } = setUp({ model });
    const request = asked(await start());
    expect(request).toMatchObject({
      kind: "skill_proposal",
      diff: "",
      new_permissions: [],
      report: { rounds: 2, shown: 4, held_back: 1 },
    });
    expect(request.digest).toBe(request.proposal.digest);
    const { outcome } = await resume({ decision: "approve", digest: request.digest, by: "ada" });
    expect(outcome).toMatchObject({ outcome: "installed", skill: { id: "capitals", status: "active" } });
    expect(skills.log).toEqual([
      "test",
      "test",
      "propose p1",
      "test",
      "install capitals",
      "activate capitals",
      "sync",
    ]);
    const repair = sentText(model.calls[2]?.messages ?? []);
    expect(repair).toContain('input: {"text":');
    expect(repair).toContain("lower");
  });

  test("proposes what was staged, with every field of it", async () => {
    const skills = memorySkills(behave);
    const validate = skills.library.validate.bind(skills.library);
    const report = async (path: string) => ({ ...await validate(path), dependencies: ["httpx>=0.27"] });
    Object.assign(skills.library, { validate: report });
    const credential = { name: "API_KEY", description: "Key", required: true };
    const written = `name = "Capital letters"\n${manifest("capitals")}` +
      `[[credentials]]\nname = "API_KEY"\ndescription = "Key"\nrequired = true\n`;
    const model = scriptedMaker(writes({ "manifest.toml": written, "skill.py": "upper" }), "done");
    const outcome = await generateProposal({ skills, model }, { intent });
    if (outcome.outcome !== "proposed") throw new Error(outcome.outcome);
    const [digest] = skills.staged.keys();
    expect(outcome.proposal).toMatchObject({
      intent,
      skill_id: "capitals",
      name: "Capital letters",
      description: "capitals",
      version: "1.0.0",
      manifest_toml: written,
      script_source: "upper",
      credentials: [credential],
      dependencies: ["httpx>=0.27"],
      staging_dir: `/memory/${digest}`,
      digest,
      files: { "manifest.toml": written, "skill.py": "upper" },
    });
  });

  test("disables what does not pass from its slot, and ends failed", async () => {
    const { skills, start, resume } = setUp({ model: scriptedMaker(writes(right), "done") });
    const handshake = { ok: false, error: { code: "handshake_failed", message: "another name" } };
    Object.assign(skills.library, {
      test: () => Promise.resolve({ passed: false, handshake }),
      advance: (id: string, status: string) => Promise.resolve(skills.log.push(`advance ${id} ${status}`)),
    });
    const { digest } = asked(await start());
    const { outcome } = await resume({ decision: "approve", digest });
    expect(outcome).toMatchObject({ outcome: "failed", code: "handshake_failed" });
    expect(skills.log.slice(-2)).toEqual(["install capitals", "advance capitals disabled"]);
  });

  test("tells the maker the shown examples that fail, and of held-back ones no value", async () => {
    const model = scriptedMaker(writes(wrong), "done", writes({ "skill.py": "upper" }), "repaired");
    const { start } = setUp({ model });
    const request = asked(await start());
    const held = request.proposal.tests?.given.at(-1)?.example;
    const everything = model.calls.map((call) => sentText(call.messages)).join("\n");
    expect(everything).toContain("Examples you were not shown: 1 of 1 fail");
    expect(everything).not.toContain(JSON.stringify(held?.input));
    expect(everything).not.toContain(JSON.stringify(held?.expected));
  });

  test("tells the maker what is wrong with manifest and script when it asks", async () => {
    const ask = ["validate_manifest", "validate_script"].map((name) => ({ name, args: {} }));
    const model = scriptedMaker(
      [...writes({ "manifest.toml": manifest("capitals") }), ...ask],
      [...writes({ ...right, "manifest.toml": "" }), ...ask],
      writes(right),
      "done",
    );
    asked(await setUp({ model }).start());
    const answers = (model.calls.at(-1)?.messages ?? []).filter((message) => ToolMessage.isInstance(message))
      .filter(({ text }) => !text.startsWith("wrote"));
    expect(answers.map(({ text }) => text)).toEqual([
      "ok",
      expect.stringContaining("skill.py is missing"),
      expect.stringContaining("id is missing"),
      "ok",
    ]);
  });

  test("publishes the form of the answer with the request", async () => {
    const { graph } = setUp({ model: scriptedMaker(writes(right), "done") });
    const state: object = await graph.invoke({ intent, examples }, { configurable: { thread_id: "1" } });
    expect(state).toMatchObject({
      __interrupt__: [{
        response_schema: { oneOf: [{ properties: { decision: { const: "approve" } } }, {}, {}] },
      }],
    });
  });

  test("ends rejected with the reason", async () => {
    const { skills, start, resume } = setUp({ model: scriptedMaker(writes(right), "done") });
    await start();
    const { outcome } = await resume({ decision: "reject", reason: "not needed" });
    expect(outcome).toMatchObject({
      outcome: "rejected",
      reason: "not needed",
      proposal: { status: "rejected" },
    });
    expect(skills.log).toEqual(["test", "propose p1"]);
    expect(skills.staged.size).toBe(0);
  });

  test("goes back to the maker when it is rejected with retry", async () => {
    const model = scriptedMaker(
      writes(right),
      "done",
      writes({ "skill.py": "upper, with comments" }),
      "done",
    );
    const { start, resume } = setUp({ model });
    const first = asked(await start());
    const second = asked(await resume({ decision: "reject", reason: "comment it", retry: true }));
    expect(second.digest).not.toBe(first.digest);
    expect(sentText(model.calls[2]?.messages ?? [])).toContain("comment it");
    const { outcome } = await resume({ decision: "approve", digest: second.digest });
    expect(outcome).toMatchObject({ outcome: "installed" });
  });

  test("validates and tests an edit, and asks again with its digest", async () => {
    const { skills, start, resume } = setUp({ model: scriptedMaker(writes(right), "done") });
    const first = asked(await start());
    const second = asked(await resume({ decision: "edit", files: { "skill.py": "upper # edited" } }));
    expect(second.proposal.files).toEqual({ ...right, "skill.py": "upper # edited" });
    expect((await skills.library.proposal(first.proposal.id)).status).toBe("rejected");
    expect(asked(await resume({ decision: "approve", digest: first.digest })).refused?.code).toBe(
      "digest_mismatch",
    );
    const { outcome } = await resume({ decision: "approve", digest: second.digest });
    expect(outcome).toMatchObject({ outcome: "installed", proposal: { id: second.proposal.id } });
  });

  test("keeps the proposal when an edit does not pass", async () => {
    const { start, resume } = setUp({ model: scriptedMaker(writes(right), "done") });
    const first = asked(await start());
    const second = asked(await resume({ decision: "edit", files: { "skill.py": "lower" } }));
    expect(second.refused?.code).toBe("tests_failed");
    expect(second.proposal).toEqual(first.proposal);
    const third = asked(await resume({ decision: "edit", files: { "../x": "" } }));
    expect(third.refused?.code).toBe("invalid_package");
    const { outcome } = await resume({ decision: "approve", digest: first.digest });
    expect(outcome).toMatchObject({ outcome: "installed", proposal: { files: right } });
  });

  test.each([
    ["another digest", { decision: "approve", digest: "0".repeat(64) }, "digest_mismatch"],
    ["no digest", { decision: "approve" }, "invalid_input"],
    ["yes", true, "invalid_input"],
    ["nothing", {}, "invalid_input"],
    ["an unknown decision", { decision: "install" }, "invalid_input"],
    ["a rejection without a reason", { decision: "reject", reason: " " }, "invalid_input"],
  ])("refuses %s as an answer and asks again", async (_name, answer, code) => {
    const { skills, start, resume } = setUp({ model: scriptedMaker(writes(right), "done") });
    const { digest } = asked(await start());
    const again = asked(await resume(answer));
    expect(again.refused?.code).toBe(code);
    expect(skills.log).toEqual(["test", "propose p1"]);
    expect((await resume({ decision: "approve", digest })).outcome).toMatchObject({ outcome: "installed" });
  });

  test("ends proposed without a checkpointer, and the proposal can be installed later", async () => {
    const skills = memorySkills(behave);
    const events: GraphEvent[] = [];
    const options = { skills, model: scriptedMaker(writes(right), "done") };
    const outcome = await generateProposal(options, { intent, examples }, {
      onEvent: (event) => events.push(event),
    });
    if (outcome.outcome !== "proposed") throw new Error(outcome.outcome);
    expect(outcome.approve_with).toBe(`skillwright approve p1 --digest ${outcome.proposal.digest}`);
    expect(
      events.filter(({ kind, status }) => kind === "stage" && status === "finished").map(({ stage }) =>
        stage
      ),
    )
      .toEqual([
        "discover",
        "stage",
        "generate",
        "write_tools",
        "generate",
        "validate",
        "test",
        "verify",
        "propose",
        "finish",
      ]);
    expect(skills.staged.size).toBe(1);
    await expect(installProposal(skills, "p1", { approvedDigest: "0".repeat(64) })).rejects.toMatchObject({
      code: "digest_mismatch",
    });
    const { digest } = outcome.proposal;
    const both = [
      installProposal(skills, "p1", { approvedDigest: digest }),
      installProposal(skills, "p1", { approvedDigest: digest }),
    ];
    expect((await Promise.all(both)).map((info) => info.status)).toEqual(["active", "active"]);
    await installProposal(skills, outcome.proposal, { approvedDigest: digest });
    expect(skills.log.filter((line) => line.startsWith("install"))).toHaveLength(1);
  });

  test("does not install what was rejected", async () => {
    const skills = memorySkills(behave);
    await generateProposal({ skills, model: scriptedMaker(writes(right), "done") }, { intent });
    const { digest } = await skills.library.proposal("p1");
    await skills.library.decide("p1", { approved: false, digest, reason: "no" });
    await expect(installProposal(skills, "p1", { approvedDigest: digest })).rejects.toMatchObject({
      code: "proposal_decided",
    });
  });

  test("writes a scaffold without a model, which fails the examples it is given", async () => {
    const skills = memorySkills(() => ({ scaffold: true }));
    const free = await generateProposal({ skills }, { intent });
    expect(free).toMatchObject({
      outcome: "proposed",
      proposal: { maker: "template", skill_id: "turn_text_into_capitals" },
    });
    const failed = await generateProposal({ skills }, { intent: "something else", examples });
    expect(failed).toMatchObject({ outcome: "failed", code: "tests_failed", report: { rounds: 1 } });
    expect(skills.staged.size).toBe(1);
  });

  test.each([["", "invalid_intent"], ["  ", "invalid_intent"], ["?!", "invalid_intent"], [
    "a ".repeat(5000),
    "invalid_intent",
  ]])(
    "fails for the intent %j",
    async (said, code) => {
      const outcome = await generateProposal({ skills: memorySkills(behave) }, { intent: said });
      expect(outcome).toMatchObject({ outcome: "failed", code, report: { rounds: 0 } });
    },
  );

  test("fails for an example that is none", async () => {
    const outcome = await generateProposal({ skills: memorySkills(behave) }, {
      intent,
      examples: [{ output: 1 } as never],
    });
    expect(outcome).toMatchObject({ outcome: "failed", code: "invalid_input" });
  });

  test("starts a second run on the same thread from nothing", async () => {
    const { start, resume } = setUp({
      model: scriptedMaker(
        writes(right),
        "done",
        writes({ ...right, "manifest.toml": manifest("other") }),
        "done",
      ),
    });
    const { digest } = asked(await start());
    await resume({ decision: "approve", digest });
    const second = asked(await start({ intent: "shout" }));
    expect(second.report).toMatchObject({ rounds: 1, turns: 2, shown: 0, held_back: 0 });
    expect(Object.keys(second.proposal.files)).toEqual(["manifest.toml", "skill.py"]);
  });

  test("goes on in another graph with the same checkpointer, and installs once when forked", async () => {
    const skills = memorySkills(behave);
    const checkpointer = new MemorySaver();
    const thread = { configurable: { thread_id: "1" } };
    const first = createSkillGraph({ skills, model: scriptedMaker(writes(right), "done") }).compile({
      checkpointer,
    });
    const { digest } = asked(read(await first.invoke({ intent, examples }, thread)));
    const fork = (await first.getState(thread)).config;
    const other = createSkillGraph({ skills, model: scriptedMaker() }).compile({ checkpointer });
    for (const config of [thread, fork]) {
      const step = await other.invoke(new Command({ resume: { decision: "approve", digest } }), config);
      expect(read(step).outcome).toMatchObject({ outcome: "installed" });
    }
    expect(skills.log.filter((line) => line.startsWith("install"))).toHaveLength(1);
  });

  test("takes over a decision that was made elsewhere", async () => {
    const { skills, start, resume } = setUp({ model: scriptedMaker(writes(right), "done") });
    const { digest } = asked(await start());
    await installProposal(skills, "p1", { approvedDigest: digest });
    expect((await resume({ decision: "reject", reason: "too late" })).outcome).toMatchObject({
      outcome: "installed",
    });
  });
});

describe("reuse", () => {
  const installed = async (script: string, sentence = intent, security = "") => {
    const skills = memorySkills(behave);
    const files = { "manifest.toml": manifest("capitals") + security, "skill.py": script };
    const { key } = await skills.library.stage(files);
    await skills.library.installStaged(key, { triggers: [sentence] });
    await skills.library.activate("capitals");
    skills.log.length = 0;
    return skills;
  };

  test("matches the same text, whatever its case and punctuation", async () => {
    const skills = await installed("upper");
    const outcome = await generateProposal({ skills }, { intent: "Turn a text into CAPITALS!" });
    expect(outcome).toMatchObject({
      outcome: "existing_match",
      skill_id: "capitals",
      name: "capitals",
      score: 1,
      how: "the intent is a trigger of it",
    });
    expect(skills.log).toEqual(["reuse capitals"]);
  });

  test("does not match the same text when an example speaks against it", async () => {
    const skills = await installed("lower");
    const model = scriptedMaker(writes({ ...right, "manifest.toml": manifest("capitals", "1.1.0") }), "done");
    const outcome = await generateProposal({ skills, model }, { intent, examples });
    expect(outcome).toMatchObject({
      outcome: "proposed",
      proposal: { skill_id: "capitals", version: "1.1.0" },
    });
    expect(sentText(model.calls[0]?.messages ?? [])).toContain("another answer than expected");
  });

  test("matches another wording that passes the examples, and learns it", async () => {
    const skills = await installed("upper");
    const outcome = await generateProposal({ skills }, { intent: "shout a word", examples });
    expect(outcome).toMatchObject({
      outcome: "existing_match",
      how: "passes 5 example(s)",
      report: { rounds: 0 },
    });
    expect(await generateProposal({ skills }, { intent: "Shout a word." })).toMatchObject({
      outcome: "existing_match",
    });
  });

  test("does not take one example of another wording for proof", async () => {
    const skills = await installed("upper");
    const outcome = await generateProposal({ skills }, {
      intent: "shout a word",
      examples: examples.slice(0, 1),
    });
    expect(outcome.outcome).toBe("failed");
    expect(skills.log).toContain("run capitals");
  });

  test("runs nothing unasked that has permissions", async () => {
    const skills = await installed("upper", intent, "[security.permissions]\nnetwork_access = true\n");
    const outcome = await generateProposal({ skills }, { intent: "shout a word", examples });
    expect(outcome.outcome).toBe("failed");
    expect(skills.log).not.toContain("run capitals");
  });

  test("goes by the score when the settings say so", async () => {
    const skills = await installed("upper");
    const low = { reuse: "threshold", discovery_threshold: 0.4 } as const;
    expect(await generateProposal({ skills, config: low }, { intent: "shout" })).toMatchObject({
      outcome: "existing_match",
      how: "score 0.500 >= threshold 0.4",
    });
    const high = { reuse: "threshold" } as const;
    expect((await generateProposal({ skills, config: high }, { intent: "shout" })).outcome).toBe("proposed");
  });
});

describe("budgets", () => {
  test("let 8 turns in 4 rounds pass", async () => {
    const read = [{ name: "read_skill_file", args: { path: "skill.py" } }];
    const turns = Array.from(
      { length: 32 },
      (_, index) => (index === 0 ? writes(wrong) : index === 31 ? writes(right) : read),
    );
    const { start } = setUp({ model: scriptedMaker(...turns) });
    expect(asked(await start()).report).toMatchObject({ rounds: 4, turns: 32 });
    expect(recursionLimit({ max_llm_turns: 8, max_test_rounds: 4 })).toBeGreaterThan(76);
  });

  test("end the run when no round is left, with the evidence, and leave nothing behind", async () => {
    const { skills, start } = setUp({
      model: scriptedMaker(writes(wrong), "done", "no", "no", "no"),
      config: { max_test_rounds: 3 },
    });
    const { outcome } = await start();
    expect(outcome).toMatchObject({ outcome: "failed", code: "budget_exceeded", report: { rounds: 3 } });
    if (outcome?.outcome !== "failed") throw new Error("unreachable");
    expect(outcome.attempts).toHaveLength(3);
    expect(outcome.tests?.passed).toBe(false);
    expect(skills.staged.size).toBe(0);
  });

  test("end the run when the tokens are used up", async () => {
    const costly = new AIMessage({ content: "", tool_calls: [{ name: "run_tests", args: {}, id: "1" }] });
    Object.assign(costly, { usage_metadata: { input_tokens: 900, output_tokens: 100, total_tokens: 1000 } });
    const { start } = setUp({ model: scriptedMaker(costly, "never asked"), config: { max_tokens: 1000 } });
    expect((await start()).outcome).toMatchObject({
      outcome: "failed",
      code: "budget_exceeded",
      report: { tokens: 1000 },
    });
  });

  test("end the run when the time is over, even if the model hears no signal", async () => {
    const model = scriptedMaker();
    model.bindTools = () => ({ invoke: () => new Promise(() => {}) }) as never;
    const { start } = setUp({ model, config: { max_seconds: 0.05 } });
    expect((await start()).outcome).toMatchObject({ outcome: "failed", code: "budget_exceeded" });
  });

  test("do not outlive the caller", async () => {
    const controller = new AbortController();
    const model = scriptedMaker(() => {
      controller.abort();
      return new AIMessage("done");
    });
    const run = generateProposal({ skills: memorySkills(behave), model }, { intent }, {
      signal: controller.signal,
    });
    await expect(run).rejects.toThrow(/abort/i);
  });
});

describe("a faulty maker", () => {
  const config = { max_test_rounds: 2, max_llm_turns: 2 };

  test.each<[string, readonly ScriptedTurn[], string]>([
    ["only talks", ["I would write a skill", "Still thinking"], "no file was written"],
    [
      "calls unknown tools",
      [[{ name: "rm -rf", args: {} }], "done", [{ name: "shell", args: {} }], "done"],
      "no file was written",
    ],
    ["writes outside the package", [
      writes({ "../evil.py": "x", "/etc/passwd": "x", "a\\b": "x" }),
      "done",
      "done",
    ], "no file was written"],
    [
      "gives arguments of another shape",
      [[{ name: "write_skill_file", args: { file: 1 } }], "done", "done"],
      "no file was written",
    ],
    [
      "writes a huge file",
      [writes({ "skill.py": "x".repeat(1_000_000) }), "done", "done"],
      "no file was written",
    ],
    ["writes no manifest", [writes({ "skill.py": "upper" }), "done", "done"], "finding(s)"],
    ["makes the same mistake for ever", [writes(wrong), "done", writes(wrong), "done"], "examples fail"],
    ["says a megabyte", ["x".repeat(1_000_000), "x".repeat(1_000_000)], "no file was written"],
  ])("that %s ends failed", async (_name, turns, reason) => {
    const { skills, graph, start } = setUp({ model: scriptedMaker(...turns), config });
    const { outcome } = await start();
    expect(outcome).toMatchObject({ outcome: "failed", code: "budget_exceeded" });
    expect(outcome).toMatchObject({ reason: expect.stringContaining(reason) });
    expect(skills.staged.size).toBe(0);
    expect(skills.log.filter((line) => line.startsWith("propose"))).toEqual([]);
    for await (const snapshot of graph.getStateHistory({ configurable: { thread_id: "1" } })) {
      expect(JSON.stringify(snapshot.values).length).toBeLessThan(200_000);
    }
  });

  test("that fails ends the run with its reason", async () => {
    const { start } = setUp({ model: scriptedMaker(() => new Error("401 wrong key")) });
    expect((await start()).outcome).toMatchObject({
      code: "maker_failed",
      reason: expect.stringContaining("401 wrong key"),
    });
  });

  test("that cannot call tools ends the run", async () => {
    const model = scriptedMaker("hello");
    Object.defineProperty(model, "bindTools", { value: undefined });
    expect((await setUp({ model }).start()).outcome).toMatchObject({ code: "maker_failed" });
  });

  test("that takes the id of another skill is told to choose one", async () => {
    const skills = memorySkills(behave);
    const { key } = await skills.library.stage({ ...right, "manifest.toml": manifest("mail") });
    await skills.library.installStaged(key, {});
    const model = scriptedMaker(
      writes({ ...right, "manifest.toml": manifest("mail", "2.0.0") }),
      "done",
      writes(right),
      "done",
    );
    const outcome = await generateProposal({ skills, model }, { intent });
    expect(outcome).toMatchObject({ outcome: "proposed", proposal: { skill_id: "capitals", rounds: 2 } });
    expect(sentText(model.calls[2]?.messages ?? [])).toContain("graph/id-taken");
  });

  test("that asks for permissions is told that it may not", async () => {
    const security = '[security.permissions]\nnetwork_access = ["evil.example"]\nprocess_spawn = true\n';
    const { start } = setUp({
      model: scriptedMaker(
        writes({ ...right, "manifest.toml": manifest("capitals") + security }),
        "done",
        "done",
      ),
      config,
    });
    const { outcome } = await start();
    if (outcome?.outcome !== "failed") throw new Error("not failed");
    expect(outcome.findings.map((finding) => finding.message).join()).toMatch(
      /network: evil\.example.*start processes/,
    );
  });

  test("has every call answered once, also malformed, repeated and nameless ones", async () => {
    const reply = new AIMessage({
      content: "",
      tool_calls: [
        { name: "write_skill_file", args: { path: "skill.py", content: "upper" }, id: "same" },
        { name: "no such tool", args: {}, id: "same" },
        { name: "run_tests", args: {} },
      ],
      invalid_tool_calls: [{
        name: "write_skill_file",
        args: "{broken",
        id: "bad",
        error: "not JSON",
        type: "invalid_tool_call",
      }],
    });
    const model = scriptedMaker(reply, "done", "done");
    await setUp({ model, config }).start();
    const sent = model.calls[1]?.messages ?? [];
    const calls = sent.filter((message) => AIMessage.isInstance(message)).flatMap(callsOf);
    const answers = sent.filter((message) => ToolMessage.isInstance(message)).map((message) =>
      message.tool_call_id
    );
    expect(answers).toEqual(calls.map((call) => call.id));
    expect(new Set(answers).size).toBe(4);
    expect(sentText(sent)).toContain("the arguments of write_skill_file are not JSON");
    expect(calls.every((call) => /^[a-zA-Z0-9_-]{1,64}$/.test(call.name))).toBe(true);
  });

  test("cannot read the held-back examples, nor skills it was not shown", async () => {
    const calls = [{ name: "read_skill_file", args: { path: "skill.py", skill_id: "secret" } }, {
      name: "read_skill_file",
      args: { path: "__proto__" },
    }];
    const model = scriptedMaker(calls, "done", "done");
    await setUp({ model, config }).start();
    const answers = (model.calls[1]?.messages ?? []).filter((message) => ToolMessage.isInstance(message));
    expect(answers.map((message) => message.status)).toEqual(["error", "error"]);
    expect(sentText(answers)).toContain("you were not shown");
  });
});
