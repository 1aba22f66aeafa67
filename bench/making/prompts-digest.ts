import { sha256 } from "../../src/base/digest.ts";
import { openRound } from "../../src/graph/maker-prompt.ts";
import { REPAIR_PROMPT } from "../../src/graph/prompts/repair.ts";
import { TASK_PROMPT } from "../../src/graph/prompts/task.ts";
import { freshState } from "../../src/graph/state.ts";
import { writeToolDefinitions } from "../../src/graph/write-tools.ts";

type Phrase = string | ((...numbers: number[]) => string);

/**
 * The digest of all that a maker is told whatever the task: contract, phrases around the contents, their order in a
 * first and in a repair round, tools. It changes with every change of a prompt.
 */
export function promptsDigest(): string {
  const round = openRound({
    ...freshState("an intent"),
    shown: [{ input: { a: 1 }, expected: 2 }],
    held_back: [{ input: { a: 2 }, expected: 3 }],
    files: { "skill.py": "a = 1\n" },
    evidence: "evidence",
    attempts: ["first", "second"],
  });
  const phrases: readonly Phrase[] = [...Object.values(TASK_PROMPT), ...Object.values(REPAIR_PROMPT)];
  const said = phrases.map((phrase) => typeof phrase === "function" ? phrase(1, 2) : phrase);
  return sha256(JSON.stringify([round.map(({ text }) => text), said, writeToolDefinitions()]));
}
