/**
 * What the runner adds to the floors, in one run: a bare pipe to a bare Python loop, and `python skill.py`. Variants
 * take turns, medians are compared. `--json` prints one object: times in milliseconds, ratios (`*_vs_*`) without unit.
 */
import { Buffer } from "node:buffer";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { Deadline } from "../src/runner/deadline.ts";
import { launch, type Launched } from "../src/runner/launch.ts";
import { DEFAULT_LIMITS } from "../src/runner/limits.ts";
import { programLaunch } from "../src/runner/program-launch.ts";
import { createRunner } from "../src/runner/runner.ts";
import type { SkillProgram } from "../src/runner/types.ts";
import { createSandbox } from "../src/sandbox/create-sandbox.ts";
import { SkillError } from "../src/base/errors.ts";

const SKILL = "def echo(value):\n    return value\n";
const BARE = `import json, sys
for line in sys.stdin:
    request = json.loads(line)
    answer = {"jsonrpc": "2.0", "id": request["id"], "result": request["params"]["input"]["value"]}
    sys.stdout.write(json.dumps(answer) + "\\n")
    sys.stdout.flush()
`;

const PAIRS = 11;

/** The floor: a pipe, one line out, one line back, no checks. */
class BarePipe {
  readonly child: ChildProcess;
  #id = 0;
  #parts: Buffer[] = [];
  #resolve: (value: unknown) => void = () => {};

  constructor(interpreter: string, script: string) {
    this.child = spawn(interpreter, [script], { stdio: ["pipe", "pipe", "inherit"] });
    this.child.stdout?.on("data", (chunk: Buffer) => {
      this.#parts.push(chunk);
      if (chunk.at(-1) !== 10) return;
      const line = this.#parts.length === 1 ? chunk : Buffer.concat(this.#parts);
      this.#parts = [];
      this.#resolve((JSON.parse(line.toString()) as { result: unknown }).result);
    });
  }

  call(value: string): Promise<unknown> {
    const params = { tool: "echo", input: { value } };
    return new Promise((resolve) => {
      this.#resolve = resolve;
      this.child.stdin?.write(
        `${JSON.stringify({ jsonrpc: "2.0", id: ++this.#id, method: "invoke", params })}\n`,
      );
    });
  }

  async end(): Promise<void> {
    this.child.stdin?.end();
    await new Promise((resolve) => this.child.once("exit", resolve));
  }
}

/** Runs the variants in turns; milliseconds of one action each, as medians over the rounds. */
async function measure<Name extends string>(
  variants: Readonly<Record<Name, () => Promise<unknown>>>,
  rounds: number,
  actions: number,
  before: () => Promise<unknown> = () => Promise.resolve(),
): Promise<Record<Name, number>> {
  const names = Object.keys(variants) as Name[];
  const times = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>;
  for (let round = 0; round < rounds; round++) {
    for (const name of names) {
      await before();
      const started = performance.now();
      for (let action = 0; action < actions; action++) await variants[name]();
      times[name].push((performance.now() - started) / actions);
    }
  }
  return Object.fromEntries(names.map((name) => [name, median(times[name])])) as Record<Name, number>;
}

/** Repeats a measurement with processes of its own; medians over all. */
async function medians<Name extends string>(
  times: number,
  once: () => Promise<Record<Name, number>>,
): Promise<Record<Name, number>> {
  const all: Record<Name, number>[] = [];
  for (let time = 0; time < times; time++) all.push(await once());
  const names = Object.keys(all[0] ?? {}) as Name[];
  return Object.fromEntries(names.map((name) => [name, median(all.map((one) => one[name]))])) as Record<
    Name,
    number
  >;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function makeProgram(folder: string): SkillProgram {
  const script =
    "import os, sys; print(os.path.realpath(sys.executable)); print(os.path.realpath(sys.base_prefix))";
  const [interpreter = "", base = ""] = execFileSync("python3", ["-c", script], { encoding: "utf8" }).split(
    "\n",
  );
  const source = join(folder, "src");
  mkdirSync(source);
  writeFileSync(join(source, "skill.py"), SKILL);
  writeFileSync(join(folder, "bare.py"), BARE);
  return {
    key: "bench",
    id: "bench",
    version: "1.0.0",
    interpreter,
    roots: [base],
    entry: join(source, "skill.py"),
    source,
    site: [],
    serve: "functions",
    tools: ["echo"],
    mode: "daemon",
    concurrent: false,
    policy: {
      read: [],
      write: [],
      network: false,
      spawn: false,
      limits: {
        memory_mb: 512,
        cpu_percent: 100,
        file_size_mb: 10,
        scratch_mb: 64,
        open_files: 64,
        processes: 32,
      },
    },
    env: {},
    secrets: {},
    start_timeout_ms: 10_000,
    call_timeout_ms: 30_000,
  };
}

async function run(folder: string): Promise<Record<string, number | string>> {
  const program = makeProgram(folder), sandbox = createSandbox(), scratchRoot = join(folder, "scratch");
  const { backend } = await sandbox.probe();
  const runner = createRunner({ sandbox, scratchRoot });
  const spareless = createRunner({ sandbox, scratchRoot, limits: { spares: 0 } });
  const start = (): Promise<Launched> =>
    launch({ sandbox, scratchRoot, limits: DEFAULT_LIMITS }, programLaunch(program, "serve", DEFAULT_LIMITS));
  const end = async ({ process, scratch }: Launched) => {
    await process.stop(new SkillError("closed", "done"));
    await scratch.remove();
  };
  const bare = join(folder, "bare.py");
  const request = (value: string) => ({ tool: "echo", input: { value } });
  const once: SkillProgram = { ...program, key: "once", mode: "one_shot" };
  const small = "x".repeat(100), large = '"é\n'.repeat(9_000);
  // Where the system places a pair of processes decides more than what they do, and stays so: many pairs, one median.
  const calls = async (value: string, rounds: number, actions: number) => {
    const pipe = new BarePipe(program.interpreter, bare), warm = await start();
    const params = { tool: "echo", input: { value } };
    const variants = {
      pipe: () => pipe.call(value),
      process: () => warm.process.exchange("invoke", params, { deadline: new Deadline(30_000) }),
      runner: () => runner.call(program, request(value)),
    };
    await measure(variants, 1, actions);
    const times = await measure(variants, rounds, actions);
    await Promise.all([pipe.end(), end(warm), runner.stop(program.key)]);
    return times;
  };
  const call = await medians(PAIRS, () => calls(small, 15, 100));
  const call100kb = await medians(3, () => calls(large, 5, 20));
  const starts = await measure(
    {
      python: async () => {
        const child = new BarePipe(program.interpreter, bare);
        await child.call(small);
        await child.end();
      },
      ready: async () => {
        const launched = await start();
        await launched.process.exchange("invoke", { tool: "echo", input: { value: small } }, {
          deadline: new Deadline(30_000),
        });
        await end(launched);
      },
      oneShot: () => spareless.call(once, request(small)),
    },
    25,
    1,
  );
  // One call each 100 ms: what is measured is the call, the spare is made in between.
  const paced = await measure({ spare: () => runner.call(once, request(small)) }, 25, 1, () => sleep(100));
  const backToBack = await measure(
    {
      spare: () => runner.call(once, request(small)),
      none: () => spareless.call(once, request(small)),
    },
    7,
    10,
    () => sleep(100),
  );
  await Promise.all([runner.close(), spareless.close()]);
  return {
    sandbox: backend,
    pipe_ms: call.pipe,
    warm_ms: call.process,
    run_ms: call.runner,
    warm_vs_pipe: call.process / call.pipe,
    run_vs_pipe: call.runner / call.pipe,
    call_100kb_ms: call100kb.process,
    call_100kb_vs_pipe: call100kb.process / call100kb.pipe,
    python_ms: starts.python,
    ready_ms: starts.ready,
    one_shot_ms: starts.oneShot,
    ready_vs_python: starts.ready / starts.python,
    oneshot_vs_python: starts.oneShot / starts.python,
    one_shot_spare_ms: paced.spare,
    oneshot_spare_vs_python: paced.spare / starts.python,
    back_to_back_ms: backToBack.spare,
    back_to_back_vs_no_spare: backToBack.spare / backToBack.none,
  };
}

const folder = mkdtempSync(join(tmpdir(), "skillwright-bench-"));
try {
  const result = await run(folder);
  if (process.argv.includes("--json")) console.log(JSON.stringify(result));
  else console.table(result);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
