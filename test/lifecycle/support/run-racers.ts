import { spawn } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import type { TestHome } from "./open-home.ts";
import type { RacerOrder, Step, StepEnd } from "./racer.ts";

const RACER = fileURLToPath(new URL("racer.ts", import.meta.url));

/** What one racer saw. */
export interface Raced {
  readonly name: string;
  readonly ends: readonly StepEnd[];
}

/** Lets processes of this runtime, one for each list of steps, race on the home. All start when all have opened it. */
export async function runRacers(
  home: TestHome,
  lists: readonly (readonly Step[])[],
): Promise<readonly Raced[]> {
  const racers = lists.map((steps, at) => startRacer(home, `racer ${at}`, steps));
  try {
    await Promise.all(racers.map(({ ready }) => ready));
    for (const { go } of racers) go();
    return await Promise.all(racers.map(({ ended }) => ended));
  } finally {
    for (const { kill } of racers) kill();
  }
}

interface Racer {
  readonly ready: Promise<unknown>;
  readonly ended: Promise<Raced>;
  readonly go: () => void;
  readonly kill: () => void;
}

function startRacer(home: TestHome, name: string, steps: readonly Step[]): Racer {
  const scratch = join(home.folder, name.replace(" ", "-"));
  const order: RacerOrder = { name, dir: home.dir, scratch, steps };
  const run = "deno" in process.versions ? ["run", "-A"] : [];
  const child = spawn(process.execPath, [...run, RACER, JSON.stringify(order)]);
  let stdout = "", stderr = "";
  child.stdout.on("data", (chunk: unknown) => (stdout += String(chunk)));
  child.stderr.on("data", (chunk: unknown) => (stderr += String(chunk)));
  const ended = new Promise<Raced>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      if (code === 0 && stderr === "") {
        resolve({ name, ends: JSON.parse(stdout.split("\n")[1] ?? "") as StepEnd[] });
      } else reject(new Error(`${name} ended with ${code}: ${stderr}`));
    });
  });
  const said = new Promise<void>((resolve) => child.stdout.once("data", () => resolve()));
  return {
    // A racer that ends before it is ready ends the waiting.
    ready: Promise.race([said, ended]),
    ended,
    go: () => void child.stdin.end("go\n"),
    kill: () => void child.kill("SIGKILL"),
  };
}
