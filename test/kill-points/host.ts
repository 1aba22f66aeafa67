// Does one operation to a home, as a host would. The folder `states` gets a copy of the home after each commit whose
// files were brought up.
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { createEnvironments } from "../../src/environment/create-environments.ts";
import { HomeDb } from "../../src/lifecycle/storage/home-db.ts";
import { openLibrary } from "../../src/lifecycle/library.ts";
import { createRunner } from "../../src/runner/runner.ts";
import { createSandbox } from "../../src/sandbox/create-sandbox.ts";
import { SCENARIOS } from "./scenarios.ts";

/** What the host is told. */
export interface HostTask {
  readonly scenario: string;
  readonly dir: string;
  /** As `OpenHomeOptions.trusted`. */
  readonly trusted: boolean;
  readonly packages: string;
  readonly states?: { readonly folder: string; readonly copyBy: string };
}

type Work = (reached: number) => Promise<void>;

const task = JSON.parse(process.argv[2] ?? "") as HostTask;
const scenario = SCENARIOS.find(({ name }) => name === task.scenario);
if (scenario === undefined) throw new Error(`no scenario ${task.scenario}`);
if (task.states !== undefined) keepStates(task.states);

const runner = createRunner({ sandbox: createSandbox({ backend: "unsafe-none" }) });
const library = await openLibrary({
  dir: task.dir,
  trusted: task.trusted,
  environments: createEnvironments(),
  runner,
});
await scenario.perform(library, task.packages);
await library.close();
await runner.close();

function keepStates({ folder, copyBy }: NonNullable<HostTask["states"]>): void {
  const prototype = HomeDb.prototype as { project: (this: HomeDb, work: Work) => Promise<void> };
  const { project } = prototype;
  let kept = 0;
  prototype.project = async function (work) {
    await project.call(this, work);
    mkdirSync(folder, { recursive: true });
    // Another process: reading the database's file in this one would give its lock away.
    execFileSync(copyBy, ["-a", task.dir, join(folder, String(kept++).padStart(3, "0"))]);
  };
}
