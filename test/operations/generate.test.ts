import { expect, test } from "vitest";
import { showProgress } from "../../src/cli/show.ts";
import type { Terminal } from "../../src/cli/terminal.ts";
import { generate } from "../../src/operations/generate.ts";
import { perform } from "../../src/operations/perform.ts";
import type { OperationContext, OperationEvent } from "../../src/operations/types.ts";
import { capitals, examples, intent, right } from "../graph/capitals.ts";
import { memorySkills } from "../graph/memory-library.ts";
import { scriptedMaker, writes } from "../graph/scripted-maker.ts";

/** Makes a skill as a front door does, and tells what it was told meanwhile. */
async function making(input: object): Promise<{ outcome: unknown; events: readonly OperationEvent[] }> {
  const events: OperationEvent[] = [];
  const context = {
    skills: memorySkills(capitals),
    actor: { via: "cli" },
    maker: { model: scriptedMaker(writes(right), "done"), name: "scripted" },
    onEvent: (event: OperationEvent) => void events.push(event),
  } as unknown as OperationContext; // what making does not use is not here
  return { outcome: await perform(generate, context, input), events };
}

test("generate tells stages, turns, files and results, as the command line shows them", async () => {
  const { events } = await making({ intent, examples });
  const lines: string[] = [];
  const terminal = { note: (text) => void lines.push(text), style: (_style, text) => text } as Terminal;
  for (const event of events) showProgress(terminal, event);
  const shown = lines.join("\n");
  const inOrder = [
    "no skill comes near",
    "round 1, turn 1\n",
    "round 1, turn 1: write_skill_file, write_skill_file",
    "write_skill_file skill.py",
    'passed {"text":"a"}',
    "round 1: 5 passed",
    "propose",
  ].map((text) => shown.indexOf(text));
  expect(inOrder).not.toContain(-1);
  expect(inOrder).toEqual(inOrder.toSorted((a, b) => a - b));
});

test("generate takes budgets, and refuses those that are none", async () => {
  expect((await making({ intent, examples, budgets: { max_tokens: 1 } })).outcome).toMatchObject({
    outcome: "failed",
    budget: "tokens",
  });
  await expect(making({ intent, budgets: { max_tokens: -1 } })).rejects.toMatchObject({
    code: "invalid_input",
  });
});
