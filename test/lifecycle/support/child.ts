// Does one thing to a home and is killed, for real, at the point that it is told: `stage:<name>`, `write:<action>`
// (before the transaction), `project` (after the transaction, before the files), or not at all.
import process from "node:process";
import { HomeDb } from "../../../src/lifecycle/storage/home-db.ts";
import { createEnvironments } from "../../../src/environment/create-environments.ts";
import { openLibrary } from "../../../src/lifecycle/library.ts";
import { createRunner } from "../../../src/runner/runner.ts";
import { createSandbox } from "../../../src/sandbox/create-sandbox.ts";

interface Task {
  readonly dir: string;
  readonly scratch: string;
  readonly action: "install" | "activate" | "disable" | "rollback";
  /** A package folder for `install`, else an id. */
  readonly subject: string;
  readonly kill: string;
}

const task = JSON.parse(process.argv[2] ?? "") as Task;

async function dieAt(point: string): Promise<void> {
  if (task.kill !== point) return;
  process.kill(process.pid, "SIGKILL");
  await new Promise(() => {});
}

const prototype = HomeDb.prototype as unknown as Record<
  "write" | "project",
  (...given: unknown[]) => Promise<unknown>
>;
const original = { write: prototype.write, project: prototype.project };
prototype.write = async function (this: HomeDb, ...given) {
  await dieAt(`write:${(given[0] as { readonly action: string }).action}`);
  return await original.write.apply(this, given);
};
prototype.project = async function (this: HomeDb, ...given) {
  await dieAt("project");
  return await original.project.apply(this, given);
};

const runner = createRunner({ sandbox: createSandbox(), scratchRoot: task.scratch });
const library = await openLibrary({
  dir: task.dir,
  trusted: true,
  environments: createEnvironments(),
  runner,
});
if (task.action === "install") {
  await library.install(task.subject, { onStage: (stage) => void dieAt(`stage:${stage}`) });
} else {
  await library[task.action](task.subject);
}
await library.close();
await runner.close();
