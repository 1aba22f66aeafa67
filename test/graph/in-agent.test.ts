import { AIMessage, HumanMessage, ToolMessage } from "@langchain/core/messages";
import type { RunnableConfig } from "@langchain/core/runnables";
import { tool } from "@langchain/core/tools";
import { Command, MemorySaver } from "@langchain/langgraph";
import { createAgent } from "langchain";
import { expect, test } from "vitest";
import { z } from "zod";
import { createSkillGraph } from "../../src/graph/create-skill-graph.ts";
import { generateProposal } from "../../src/graph/generate.ts";
import type { ApprovalRequest, GraphEvent, SkillGraphOptions } from "../../src/graph/types.ts";
import { memorySkills } from "./memory-library.ts";
import { type ScriptedCall, scriptedMaker, type ScriptedTurn, writes } from "./scripted-maker.ts";

const answering = () => memorySkills(() => "answer");
const files = (id: string) => ({ "manifest.toml": `id = "${id}"\nversion = "1.0.0"\n`, "skill.py": "x" });

/** A tool as a front door has it: the graph runs inside the agent's own run. */
function makeTool(options: SkillGraphOptions) {
  const graph = createSkillGraph(options).compile();
  return tool(
    async ({ intent }: { intent: string }, config: RunnableConfig) => {
      const { outcome } = await graph.invoke({ intent }, config);
      return JSON.stringify(outcome?.outcome === "failed" ? outcome.reason : outcome?.outcome);
    },
    { name: "make", description: "make", schema: z.object({ intent: z.string() }) },
  );
}

function agentWith(options: SkillGraphOptions, turns: readonly ScriptedTurn[], checkpointer?: MemorySaver) {
  const given = checkpointer === undefined ? {} : { checkpointer };
  const agent = createAgent({ model: scriptedMaker(...turns), tools: [makeTool(options)], ...given });
  const thread = { configurable: { thread_id: "t" } };
  const read = (state: unknown) => {
    const { messages, __interrupt__: asked = [] } = state as {
      readonly messages: readonly unknown[];
      readonly __interrupt__?: readonly { readonly id: string; readonly value: ApprovalRequest }[];
    };
    const answers = messages.filter((message) => ToolMessage.isInstance(message)).map((message) =>
      message.text
    );
    return { asked, answers };
  };
  return {
    start: async () => read(await agent.invoke({ messages: [new HumanMessage("hello")] }, thread)),
    resume: async (resume: unknown) => read(await agent.invoke(new Command({ resume }), thread)),
  };
}

const makeCall = (...intents: readonly string[]): readonly ScriptedCall[] =>
  intents.map((intent) => ({ name: "make", args: { intent } }));

test("the graph interrupts the agent that runs it, and goes on where it was", async () => {
  const skills = answering();
  const model = scriptedMaker(writes(files("one")), "done", writes({ "skill.py": "y" }), "done");
  const { start, resume } = agentWith({ skills, model }, [makeCall("a"), "done"], new MemorySaver());
  const first = (await start()).asked[0];
  const again = (await resume({ decision: "approve", digest: "0".repeat(64) })).asked[0];
  expect(again?.value.refused?.code).toBe("digest_mismatch");
  const retried = (await resume({ decision: "reject", reason: "other", retry: true })).asked[0];
  expect(retried?.value.digest).not.toBe(first?.value.digest);
  const end = await resume({ decision: "approve", digest: retried?.value.digest });
  expect(end).toEqual({ asked: [], answers: ['"installed"'] });
  expect(model.callCount).toBe(4);
  expect(skills.log.filter((line) => line.startsWith("install"))).toEqual(["install one"]);
});

test("two graphs side by side give two interrupts, resumed by id", async () => {
  const skills = answering();
  const makers = [writes(files("one")), writes(files("two")), "done", "done"];
  const { start, resume } = agentWith({ skills, model: scriptedMaker(...makers) }, [
    makeCall("a", "b"),
    "done",
  ], new MemorySaver());
  const { asked } = await start();
  expect(asked).toHaveLength(2);
  const answers = asked.map(({ id, value }) => [id, { decision: "approve", digest: value.digest }]);
  expect((await resume(Object.fromEntries(answers))).answers).toEqual(['"installed"', '"installed"']);
  expect((await skills.library.list()).map((skill) => skill.id).sort()).toEqual(["one", "two"]);
});

test("two graphs that make the same bytes install once", async () => {
  const skills = answering();
  const makers = [writes(files("one")), writes(files("one")), "done", "done"];
  const { start, resume } = agentWith({ skills, model: scriptedMaker(...makers) }, [
    makeCall("a", "a"),
    "done",
  ], new MemorySaver());
  const { asked } = await start();
  const answers = asked.map(({ id, value }) => [id, { decision: "approve", digest: value.digest }]);
  expect((await resume(Object.fromEntries(answers))).answers).toEqual(['"installed"', '"installed"']);
  expect(skills.log.filter((line) => line.startsWith("install"))).toEqual(["install one"]);
});

test("a maker that uses all its turns is not ended by the agent's recursion limit", async () => {
  const look = [{ name: "read_skill_file", args: { path: "skill.py" } }];
  const turns = Array.from({ length: 32 }, (_, index) => (index === 31 ? writes(files("one")) : look));
  const model = scriptedMaker(...turns);
  const { start } = agentWith({ skills: answering(), model }, [makeCall("a"), "done"], new MemorySaver());
  expect((await start()).asked[0]?.value.report).toMatchObject({ rounds: 4, turns: 32 });
});

test("without a checkpointer the agent is told that it is proposed", async () => {
  const model = scriptedMaker(writes(files("one")), "done");
  const { start } = agentWith({ skills: answering(), model }, [makeCall("a"), "done"]);
  expect(await start()).toEqual({ asked: [], answers: ['"proposed"'] });
});

test("generateProposal asks nobody, even inside a run that has a checkpointer", async () => {
  const skills = answering();
  const model = scriptedMaker(writes(files("one")), "done");
  const stages: string[] = [];
  const onEvent = ({ kind, status, stage }: GraphEvent) => {
    if (kind === "stage" && status === "finished") stages.push(stage);
  };
  const make = async () => (await generateProposal({ skills, model }, { intent: "a" }, { onEvent })).outcome;
  const propose = tool(make, {
    name: "propose",
    description: "propose",
    schema: z.object({}),
  });
  const agent = createAgent({
    model: scriptedMaker([{ name: "propose", args: {} }], new AIMessage("done")),
    tools: [propose],
    checkpointer: new MemorySaver(),
  });
  const state = await agent.invoke({ messages: [new HumanMessage("hello")] }, {
    configurable: { thread_id: "t" },
  });
  expect(state).not.toHaveProperty("__interrupt__");
  expect(state.messages.at(-2)?.text).toBe("proposed");
  expect(stages.at(-1)).toBe("finish");
});
