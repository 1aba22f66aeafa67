/**
 * What the lifecycle costs: installing beside its floors, the command line beside a bare Node, reading and changing a
 * home of 10,000 skills beside one of 100; and what it comes to when it is killed at any step. Variants take turns,
 * medians are compared. `--json` ends with one object: milliseconds, ratios (`*_vs_*`) and counts.
 */
import { join } from "node:path";
import process from "node:process";
import { createEnvironments } from "../src/environment/create-environments.ts";
import type { OpenHomeOptions } from "../src/lifecycle/home/home.ts";
import { openLibrary } from "../src/lifecycle/library.ts";
import { createRunner } from "../src/runner/runner.ts";
import { createSandbox } from "../src/sandbox/create-sandbox.ts";
import { benchmark } from "./benchmark.ts";
import { buildCommandLine, commandLine } from "./lifecycle/command-line.ts";
import { fillHome } from "./lifecycle/fill-home.ts";
import { growth } from "./lifecycle/growth.ts";
import { installs } from "./lifecycle/installs.ts";
import { killAtEveryStep } from "./lifecycle/kill-points.ts";
import { packageCopy } from "./lifecycle/package-copy.ts";

const FEW = 100, MANY = 10_000;

async function run(folder: string): Promise<Record<string, number | string>> {
  const sandbox = createSandbox();
  const user = { ...process.env };
  const environments = createEnvironments({ env: user });
  const runner = createRunner({ sandbox, scratchRoot: join(folder, "scratch") });
  // What is made here is not to be found among the homes of the user.
  process.env["XDG_CONFIG_HOME"] = join(folder, "config");
  const parts = { trusted: true, environments, runner };
  try {
    const { backend } = await sandbox.probe();
    const program = await buildCommandLine(join(folder, "built"));
    const home = await openLibrary({ dir: join(folder, "home"), ...parts });
    const installed = await installs(folder, home, environments, user);
    await home.close();
    const few = await makeHome(folder, FEW, parts), many = await makeHome(folder, MANY, parts);
    const fresh = await packageCopy(join(folder, "fresh"), { id: "fresh" });
    return {
      sandbox: backend,
      ...installed,
      ...await commandLine(program, few),
      ...await growth({ few, many }, fresh, parts),
      // last: it keeps the machine busy
      ...await killAtEveryStep(),
    };
  } finally {
    await runner.close();
  }
}

/** A home of so many active skills. */
async function makeHome(
  folder: string,
  count: number,
  parts: Omit<OpenHomeOptions, "dir">,
): Promise<string> {
  const dir = join(folder, `home-${count}`), id = "model";
  const library = await openLibrary({ dir, ...parts });
  await library.install(await packageCopy(join(folder, `model-${count}`), { id }));
  await library.test(id);
  await library.activate(id);
  await library.close();
  await fillHome(dir, id, count);
  return dir;
}

await benchmark(run);
