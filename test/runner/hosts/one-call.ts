// A host that makes a call and has nothing more to do, or waits in a call for its own end. It closes its runner only
// when it is interrupted and heeds that.
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { createRunner } from "../../../src/runner/runner.ts";
import type { SkillProgram } from "../../../src/runner/types.ts";
import { createSandbox } from "../../../src/sandbox/create-sandbox.ts";

interface Task {
  readonly backend: "unsafe-none" | "bubblewrap" | "landlock";
  readonly scratchRoot: string;
  readonly program: SkillProgram;
  readonly tool: string;
  readonly throws?: boolean;
  /** Cancels the call on SIGINT, and closes its runner. */
  readonly heedsInterrupt?: boolean;
  /** Waits for a spare: for the end of it, or of the host. */
  readonly spare?: "leave" | "watch";
}

const task = JSON.parse(process.argv[2] ?? "") as Task;
const runner = createRunner({
  sandbox: createSandbox({ backend: task.backend }),
  scratchRoot: task.scratchRoot,
});
// Each word once: who waited for it may have closed the pipe since.
const said = new Set<string>();
const say = (word: string) => {
  if (!said.has(word)) console.log(word);
  said.add(word);
};
const timer = setInterval(() => {
  for (const { busy, state } of runner.list()) if (busy) say(state === "running" ? "busy" : state);
}, 20);
const interrupt = new AbortController();
if (task.heedsInterrupt === true) process.once("SIGINT", () => interrupt.abort());
const request = { tool: task.tool, input: {}, signal: interrupt.signal };
const { value } = await runner.call(task.program, request).catch(async (error: unknown) => {
  clearInterval(timer);
  await runner.close();
  throw error;
});
clearInterval(timer);
while (task.spare !== undefined && !runner.list().some(({ state }) => state === "pending")) await sleep(10);
if (task.spare === "watch") setInterval(() => {}, 1000);
console.log(`value ${JSON.stringify(value)}`);
if (task.throws === true) throw new Error("the host fails");
