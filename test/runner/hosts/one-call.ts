// A host that makes a call and has nothing more to do, or waits in a call for its own end. It never closes its runner.
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
  /** Waits for a spare: for the end of it, or of the host. */
  readonly spare?: "leave" | "watch";
}

const task = JSON.parse(process.argv[2] ?? "") as Task;
const runner = createRunner({
  sandbox: createSandbox({ backend: task.backend }),
  scratchRoot: task.scratchRoot,
});
const timer = setInterval(() => {
  if (runner.list().some(({ busy, state }) => busy && state === "running")) console.log("busy");
}, 20);
const { value } = await runner.call(task.program, { tool: task.tool, input: {} });
clearInterval(timer);
while (task.spare !== undefined && !runner.list().some(({ state }) => state === "pending")) await sleep(10);
if (task.spare === "watch") setInterval(() => {}, 1000);
console.log(`value ${JSON.stringify(value)}`);
if (task.throws === true) throw new Error("the host fails");
