import { type AIMessage, HumanMessage, ToolMessage } from "@langchain/core/messages";
import type { FakeBuiltModel } from "@langchain/core/testing";
import { type StructuredToolInterface, tool } from "@langchain/core/tools";
import { Command, interrupt, MemorySaver } from "@langchain/langgraph";
import { createAgent } from "langchain";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import type { ApprovalRequest } from "../../src/graph/types.ts";
import { skillMiddleware, type SkillMiddlewareOptions } from "../../src/tools/middleware.ts";
import { type ScriptedCall, scriptedMaker, type ScriptedTurn, writes } from "../graph/scripted-maker.ts";
import { fixtureSkill } from "../main-path/task-skills.ts";
import { type TemporarySkills, temporarySkills } from "../operations/temporary-skills.ts";

let home: TemporarySkills;

beforeEach(async () => {
  home = await temporarySkills();
});
afterEach(() => home.close());

const NEED = "turn a whole number into a Roman numeral; input: number; output: text";
const EXAMPLES = [
  { input: { number: 4 }, expected: "IV" },
  { input: { number: 1994 }, expected: "MCMXCIV" },
  { input: { number: 58 }, expected: "LVIII" },
  { input: { number: 0 }, compare: "error" },
];

/** A skill that turns numbers into numerals; with the short table a wrong one. */
function romanFiles(id: string, table = TABLE): Record<string, string> {
  return {
    "manifest.toml": `id = "${id}"
name = "Roman numerals"
version = "1.0.0"
description = "Turn a whole number into a Roman numeral"

[[tools]]
name = "to_roman"
description = "Integer to Roman numeral"
input_schema = { type = "object", properties = { number = { type = "integer", minimum = 1 } }, required = ["number"] }
output_schema = { type = "string" }
`,
    "skill.py": `# /// script
# requires-python = ">=3.9"
# dependencies = []
# ///
TABLE = ${table}


def to_roman(number: int) -> str:
    text = ""
    for value, sign in TABLE:
        text += sign * (number // value)
        number %= value
    return text
`,
  };
}
const TABLE = '[(1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"), ' +
  '(40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")]';
const SHORT_TABLE = '[(1000, "M"), (500, "D"), (100, "C"), (50, "L"), (10, "X"), (5, "V"), (1, "I")]';

interface AgentOptions extends SkillMiddlewareOptions {
  readonly tools?: readonly StructuredToolInterface[];
  readonly checkpointer?: MemorySaver;
}

/** A real agent with the skill middleware, whose model says what the script says. */
function agentOf(turns: readonly ScriptedTurn[], options: AgentOptions) {
  const { tools = [], checkpointer, ...given } = options;
  const model = scriptedMaker(...turns);
  const offered = recordOffers(model);
  const agent = createAgent({
    model,
    tools: [...tools],
    middleware: [skillMiddleware(home.skills, given)],
    ...(checkpointer === undefined ? {} : { checkpointer }),
  });
  const thread = { configurable: { thread_id: "t" } };
  const read = (state: unknown) => {
    const { messages, __interrupt__: asked = [] } = state as {
      readonly messages: readonly (ToolMessage | AIMessage)[];
      readonly __interrupt__?: readonly { readonly id: string; readonly value: ApprovalRequest }[];
    };
    const answers = messages.filter((message): message is ToolMessage => ToolMessage.isInstance(message)).map(
      ({ name, text, status }) => ({ name, status, json: parsed(text) }),
    );
    return { asked, answers, last: messages.at(-1)?.text };
  };
  return {
    model,
    offered,
    start: async (text = "hello") => read(await agent.invoke({ messages: [new HumanMessage(text)] }, thread)),
    resume: async (resume: unknown) => read(await agent.invoke(new Command({ resume }), thread)),
  };
}

/** The names of the tools that the model was given, call by call. */
function recordOffers(model: FakeBuiltModel): string[][] {
  const offered: string[][] = [];
  const bindTools = model.bindTools.bind(model);
  model.bindTools = (tools) => {
    offered.push(tools.map((one) => String((one as { name?: unknown }).name)));
    return bindTools(tools);
  };
  return offered;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

const find = (need = NEED): ScriptedCall => ({ name: "find_skills", args: { need } });
const create = (need = NEED, examples: unknown = EXAMPLES): ScriptedCall => ({
  name: "create_skill",
  args: { need, examples },
});
const runRoman = (number: unknown, skill_name = "roman"): ScriptedCall => ({
  name: "run_skill",
  args: { skill_name, request: { number } },
});
const approve = ({ digest }: ApprovalRequest) => ({ decision: "approve", digest, by: "ada" });
/** A maker that writes right files at once. */
const maker = (...ids: readonly string[]) =>
  scriptedMaker(...ids.map((id) => writes(romanFiles(id))), ...ids.map(() => "done"));

describe("the main job", () => {
  test("an agent finds nothing, has a skill made, and the same thread uses it once it is approved", async () => {
    await home.close();
    home = await temporarySkills({ withModel: true });
    const repairing = scriptedMaker(
      writes(romanFiles("roman", SHORT_TABLE)),
      "done",
      writes({ "skill.py": romanFiles("roman")["skill.py"] ?? "" }),
      "repaired",
    );
    const { start, resume, offered, model } = agentOf(
      [[find()], [create()], [runRoman(2024)], "2024 is MMXXIV"],
      { mode: "full", maker: repairing, checkpointer: new MemorySaver() },
    );
    const { asked, answers } = await start("What is 2024 in Roman numerals?");
    expect(answers).toMatchObject([{ name: "find_skills", json: { skills: [] } }]);
    expect(asked).toMatchObject([{
      value: { kind: "skill_proposal", report: { rounds: 2 }, new_permissions: [] },
    }]);
    expect(await home.skills.list()).toEqual([]);

    const [request] = asked;
    const end = await resume({ [request?.id ?? ""]: approve(request?.value as ApprovalRequest) });
    expect(end.asked).toEqual([]);
    expect(end.answers.slice(1)).toMatchObject([
      { name: "create_skill", json: { outcome: "installed", skill_name: "roman" } },
      { name: "run_skill", json: { value: "MMXXIV" } },
    ]);
    expect(end.last).toBe("2024 is MMXXIV");
    expect(repairing.callCount).toBe(4);
    expect(model.callCount).toBe(4);
    expect(offered).toEqual(Array.from({ length: 4 }, () => ["find_skills", "run_skill", "create_skill"]));

    const [found] = await home.skills.search("write 7 the way the Romans did");
    expect(found).toMatchObject({ id: "roman", cosine: expect.any(Number) });
  });

  test("an approval of other bytes is refused and asked for again", async () => {
    const { start, resume } = agentOf([[create()], "done"], {
      mode: "full",
      maker: maker("roman"),
      checkpointer: new MemorySaver(),
    });
    await start();
    const again = await resume({ decision: "approve", digest: "0".repeat(64) });
    expect(again.asked).toMatchObject([{ value: { refused: { code: "digest_mismatch" } } }]);
    expect(await home.skills.list()).toEqual([]);
    const end = await resume(approve(again.asked[0]?.value as ApprovalRequest));
    expect(end.answers).toMatchObject([{ json: { outcome: "installed" } }]);
  });

  test("a rejection reaches the agent with its reason, and nothing is installed", async () => {
    const { start, resume } = agentOf([[create()], "Then I do without"], {
      mode: "full",
      maker: maker("roman"),
      checkpointer: new MemorySaver(),
    });
    await start();
    const { answers, last } = await resume({ decision: "reject", reason: "we count in decimals here" });
    expect(answers).toMatchObject([{ json: { outcome: "rejected", reason: "we count in decimals here" } }]);
    expect(last).toBe("Then I do without");
    expect(await home.skills.list()).toEqual([]);
  });

  test("two skills made side by side are asked about apart and approved by id", async () => {
    const { start, resume } = agentOf([[create("need one"), create("need two")], [
      runRoman(4, "one"),
      runRoman(9, "two"),
    ], "IV and IX"], { mode: "full", maker: maker("one", "two"), checkpointer: new MemorySaver() });
    const { asked } = await start();
    expect(new Set(asked.map(({ value }) => value.proposal.skill_id))).toEqual(new Set(["one", "two"]));
    const answers = asked.map(({ id, value }) => [id, approve(value)]);
    const end = await resume(Object.fromEntries(answers));
    expect(end.answers.slice(2)).toMatchObject([{ json: { value: "IV" } }, { json: { value: "IX" } }]);
    expect((await home.skills.list()).map(({ id }) => id).toSorted()).toEqual(["one", "two"]);
  });

  test("without a checkpointer the skill is proposed, with the command that approves it", async () => {
    const { start } = agentOf([[create()], "Somebody has to approve it"], {
      mode: "full",
      maker: maker("roman"),
    });
    const { asked, answers, last } = await start();
    expect(asked).toEqual([]);
    const [proposal] = await home.skills.library.proposals({ status: "pending" });
    expect(answers).toMatchObject([{
      json: {
        outcome: "proposed",
        proposal_id: proposal?.id,
        approve_with: `skillwright approve ${proposal?.id} --digest ${proposal?.digest}`,
      },
    }]);
    expect(last).toBe("Somebody has to approve it");
  });

  test("without a maker create_skill says that only a scaffold can be written", async () => {
    const { start } = agentOf([[create()], "done"], { mode: "full", checkpointer: new MemorySaver() });
    expect((await start()).answers).toMatchObject([{
      json: { outcome: "failed", code: "tests_failed", reason: expect.stringContaining("without a model") },
    }]);
  });

  test("what was decided is audited as the agent's, with the person's name", async () => {
    const { start, resume } = agentOf([[create()], "done"], {
      mode: "full",
      maker: maker("roman"),
      checkpointer: new MemorySaver(),
    });
    const { asked } = await start();
    await resume(approve(asked[0]?.value as ApprovalRequest));
    const { DatabaseSync } = await import("node:sqlite");
    const { dir } = home;
    await home.skills.close();
    const db = new DatabaseSync(`${dir}/.state/home.db`, { readOnly: true });
    const rows = db.prepare("select * from audit").all();
    db.close();
    const approval = rows.find((row) => row["action"] === "approve");
    expect(JSON.stringify(approval)).toContain("agent");
    expect(JSON.stringify(approval)).toContain("ada");
  });
});

describe("errors", () => {
  const broken = tool(() => Promise.reject(new Error("the tool of the user broke")), {
    name: "broken",
    description: "always fails",
    schema: z.object({}),
  });

  test("no error of a tool ends the run: the model reads it and goes on", async () => {
    const { start } = agentOf([
      [runRoman(1, "nobody"), { name: "broken", args: {} }, {
        name: "run_skill",
        args: { skill_name: "x", request: "no object" },
      }, { name: "invented", args: {} }],
      [create("   ", [])],
      [create(NEED, [{ input: { number: 4 }, expected: "IV", compare: "roughly" }])],
      "I give up",
    ], { mode: "full", tools: [broken], maker: maker("roman"), checkpointer: new MemorySaver() });
    const { answers, last } = await start();
    expect(last).toBe("I give up");
    expect(answers).toMatchObject([
      { name: "run_skill", json: { error: { code: "not_found" } } },
      {
        name: "broken",
        status: "error",
        json: { error: { code: "tool_failed", message: expect.stringContaining("of the user broke") } },
      },
      {
        name: "run_skill",
        status: "error",
        json: { error: { code: "invalid_input", message: expect.stringContaining("request") } },
      },
      { name: "invented", status: "error" },
      { name: "create_skill", json: { outcome: "failed", code: "invalid_intent" } },
      {
        name: "create_skill",
        status: "error",
        json: { error: { code: "invalid_input", message: expect.stringContaining("compare") } },
      },
    ]);
  });

  test("a tool of the agent's own can still interrupt the run", async () => {
    const ask = tool(() => `you said ${String(interrupt("yes or no?"))}`, {
      name: "ask",
      description: "asks a person",
      schema: z.object({}),
    });
    const { start, resume } = agentOf([[{ name: "ask", args: {} }], "thanks"], {
      mode: "full",
      tools: [ask],
      checkpointer: new MemorySaver(),
    });
    expect((await start()).asked).toMatchObject([{ value: "yes or no?" }]);
    expect(await resume("yes")).toMatchObject({ answers: [{ json: "you said yes" }], last: "thanks" });
  });

  test("a model that forges calls below full is told that the mode denies them, and nothing runs", async () => {
    await home.serve(fixtureSkill("plain_words"));
    const forged: readonly ScriptedCall[] = [
      { name: "run_skill", args: { skill_name: "plain_words", request: { text: "a b" } } },
      create(),
    ];
    const script = maker("roman");
    for (const mode of ["off", "read_only", "read_write"] as const) {
      const { start, offered } = agentOf([forged, "denied"], { mode, maker: script });
      const { answers, last } = await start();
      expect(answers).toMatchObject(Array.from({ length: 2 }, () => ({
        status: "error",
        json: { error: { code: "mode_denied" } },
      })));
      expect(last).toBe("denied");
      expect(offered.flat().filter((name) => name !== "find_skills")).toEqual([]);
    }
    expect(script.callCount).toBe(0);
    expect(await home.skills.library.proposals()).toEqual([]);
    const { start } = agentOf([forged.slice(0, 1), "ran"], { mode: "full" });
    expect((await start()).answers).toMatchObject([{ json: { value: { words: 2 } } }]);
  });
});

describe("skills as tools of their own", () => {
  test("a new skill becomes a tool at the end of the list, and stays", async () => {
    await home.serve(fixtureSkill("plain_words"));
    const own = ["find_skills", "run_skill", "create_skill"];
    const words = ["plain_words-count_words", "plain_words-top_words"];
    const { start, resume, offered } = agentOf([
      [create()],
      [{ name: "roman", args: { number: 9 } }],
      [find("count the words of a text")],
      [{ name: "plain_words-count_words", args: { text: "a b" } }],
      "done",
    ], { mode: "full", expose: "tools", maker: maker("roman"), checkpointer: new MemorySaver() });
    const { asked } = await start();
    const { answers, last } = await resume(approve(asked[0]?.value as ApprovalRequest));
    expect(last).toBe("done");
    expect(answers.map(({ json }) => json)).toMatchObject([
      { outcome: "installed" },
      { value: "IX" },
      { skills: [{ skill_name: "plain_words" }, {}] },
      { value: { words: 2 } },
    ]);
    expect(offered).toEqual([own, [...own, "roman"], [...own, "roman"], [...own, "roman", ...words], [
      ...own,
      "roman",
      ...words,
    ]]);
  });

  test("the best few for what the user asks are tools from the start, and keep their places for the whole thread", async () => {
    await home.serve(fixtureSkill("csv_chart"), fixtureSkill("plain_words"), fixtureSkill("text_tools"));
    const checkpointer = new MemorySaver();
    const own = ["find_skills", "run_skill", "create_skill"];
    const options = { mode: "full", expose: "tools", best: 1, checkpointer } as const;
    const first = agentOf(["nothing to do"], options);
    await first.start("draw a bar chart of a csv file");
    // another process goes on with the thread
    const second = agentOf([[{ name: "plain_words-count_words", args: { text: "a b" } }], "done"], options);
    const { answers } = await second.start("count the words of a text");
    expect(answers).toMatchObject([{ json: { value: { words: 2 } } }]);
    const words = ["plain_words-count_words", "plain_words-top_words"];
    expect([...first.offered, ...second.offered]).toEqual([
      [...own, "csv_chart"],
      [...own, "csv_chart", ...words],
      [...own, "csv_chart", ...words],
    ]);
  });

  test("nothing is chosen that is far from what the user asks, and nothing at all with best 0", async () => {
    await home.serve(fixtureSkill("csv_chart"));
    const own = ["find_skills", "run_skill", "create_skill"];
    const far = agentOf(["no"], { mode: "full", expose: "tools" });
    await far.start("who wrote the Odyssey");
    expect(far.offered).toEqual([own]);
    const none = agentOf(["no"], { mode: "full", expose: "tools", best: 0 });
    await none.start("draw a bar chart of a csv file");
    expect(none.offered).toEqual([own]);
    expect(() => skillMiddleware(home.skills, { best: -1 })).toThrow(RangeError);
  });

  test("with run_skill the list of tools is the same whatever is found", async () => {
    await home.serve(fixtureSkill("csv_chart"));
    const { start, offered } = agentOf([[find("draw a bar chart of a csv file")], "done"], { mode: "full" });
    await start("draw a bar chart of a csv file");
    expect(offered).toEqual([
      ["find_skills", "run_skill", "create_skill"],
      ["find_skills", "run_skill", "create_skill"],
    ]);
  });

  test("a skill never takes the name of another tool, whoever has it", async () => {
    const mine = tool(() => Promise.resolve("mine"), {
      name: "csv_chart",
      description: "the user's own",
      schema: z.object({}),
    });
    await home.serve(fixtureSkill("csv_chart"));
    const { start, offered } = agentOf([
      [find("draw a bar chart of a csv file")],
      [{ name: "csv_chart", args: {} }],
      "done",
    ], { mode: "full", expose: "tools", tools: [mine], checkpointer: new MemorySaver() });
    const { answers, last } = await start();
    expect(last).toBe("done");
    expect(answers[1]).toMatchObject({ name: "csv_chart", json: "mine" });
    expect(offered.at(-1)?.filter((name) => name === "csv_chart")).toHaveLength(1);
  });

  test("a skill that no longer serves keeps its tool and says why it does not run", async () => {
    await home.serve(fixtureSkill("csv_chart"));
    const { start, offered } = agentOf([
      [find("draw a bar chart of a csv file")],
      "found",
      [{ name: "csv_chart", args: {} }],
      "done",
    ], { mode: "full", expose: "tools", checkpointer: new MemorySaver() });
    await start();
    await home.skills.library.disable("csv_chart");
    const { answers } = await start("now draw it");
    expect(answers[1]).toMatchObject({ json: { error: { code: "not_active" } } });
    expect(offered.slice(1).every((names) => names.at(-1) === "csv_chart")).toBe(true);
  });
});
