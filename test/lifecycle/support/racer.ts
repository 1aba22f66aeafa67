// One of several processes that change and use one home at the same time: `racer.ts <order>`. It opens the home, says
// `ready`, waits for a line, takes its steps, and prints what came of each as one line of JSON.
import { once } from "node:events";
import process from "node:process";
import { SkillError } from "../../../src/base/errors.ts";
import type { Json } from "../../../src/base/json.ts";
import { createEnvironments } from "../../../src/environment/create-environments.ts";
import { type OpenedLibrary, openLibrary } from "../../../src/lifecycle/library.ts";
import { createRunner } from "../../../src/runner/runner.ts";
import { createSandbox } from "../../../src/sandbox/create-sandbox.ts";

/** What a racer does to a skill. */
export interface Step {
  readonly does: "install" | "activate" | "run" | "uninstall";
  readonly skill: string;
  /** The package, for an install. */
  readonly source?: string;
}

/** What a racer is told. */
export interface RacerOrder {
  /** Stands in the audit. */
  readonly name: string;
  readonly dir: string;
  readonly scratch: string;
  readonly steps: readonly Step[];
}

/** What came of a step: what the call gave, or the code of the error; `untyped` when it was no `SkillError`. */
export interface StepEnd {
  readonly step: Step;
  readonly value?: Json;
  readonly code?: string;
  readonly message?: string;
}

const { name, dir, scratch, steps } = JSON.parse(process.argv[2] ?? "") as RacerOrder;
const runner = createRunner({ sandbox: createSandbox(), scratchRoot: scratch });
const library = await openLibrary({ dir, trusted: true, environments: createEnvironments(), runner });
const actor = { via: "code", name };

console.log("ready");
await once(process.stdin, "data");
process.stdin.destroy();
const ends: StepEnd[] = [];
for (const step of steps) ends.push(await take(library, step));
await library.close();
await runner.close();
console.log(JSON.stringify(ends));

async function take(library: OpenedLibrary, step: Step): Promise<StepEnd> {
  try {
    const value = await act(library, step);
    return value === undefined ? { step } : { step, value };
  } catch (error) {
    if (SkillError.isInstance(error)) return { step, code: error.code, message: error.message };
    return { step, code: "untyped", message: String((error as Error).stack ?? error) };
  }
}

async function act(library: OpenedLibrary, { does, skill, source = "" }: Step): Promise<Json | undefined> {
  if (does === "run") return (await library.run(skill, {})).value;
  if (does === "install") await library.install(source, { actor });
  else await library[does](skill, { actor });
  return undefined;
}
