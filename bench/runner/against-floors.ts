import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { SkillError } from "../../src/base/errors.ts";
import { Deadline } from "../../src/runner/limits/deadline.ts";
import { launch, type Launched } from "../../src/runner/process/launch.ts";
import { DEFAULT_LIMITS } from "../../src/runner/limits/limits.ts";
import { programLaunch } from "../../src/runner/process/program-launch.ts";
import { createRunner } from "../../src/runner/runner.ts";
import { givenRoot } from "../../src/runner/files/scratch.ts";
import type { Runner, SkillProgram } from "../../src/runner/types.ts";
import { createSandbox } from "../../src/sandbox/create-sandbox.ts";
import { BarePipe } from "./bare-pipe.ts";
import { measure, type MeasureOptions, repeat, type Times } from "./measure.ts";

/** Where the system places a pair of processes decides more than what they do, and stays so: many pairs, one median. */
const PAIRS = 11;
const SMALL: string = "x".repeat(100), LARGE: string = '"é\n'.repeat(9_000);

/** Sets the runner beside a bare pipe to a bare Python loop, and beside `python skill.py`. */
export async function againstFloors(
  folder: string,
  program: SkillProgram,
): Promise<Record<string, number | string>> {
  const sandbox = createSandbox(), scratchRoot = join(folder, "scratch");
  const { backend } = await sandbox.probe();
  const request = programLaunch(program, "serve", DEFAULT_LIMITS);
  const floors = new Floors(
    program,
    createRunner({ sandbox, scratchRoot }),
    createRunner({ sandbox, scratchRoot, limits: { spares: 0 } }),
    () => launch({ sandbox, scratchRoot: givenRoot(scratchRoot), limits: DEFAULT_LIMITS }, request),
  );
  try {
    return { sandbox: backend, ...await floors.calls(), ...await floors.starts() };
  } finally {
    await floors.close();
  }
}

class Floors {
  readonly #program: SkillProgram;
  readonly #once: SkillProgram;
  readonly #runner: Runner;
  readonly #spareless: Runner;
  readonly #start: () => Promise<Launched>;

  constructor(program: SkillProgram, runner: Runner, spareless: Runner, start: () => Promise<Launched>) {
    this.#program = program;
    this.#once = { ...program, key: "once", mode: "one_shot" };
    this.#runner = runner;
    this.#spareless = spareless;
    this.#start = start;
  }

  async calls(): Promise<Record<string, number>> {
    const small = await repeat(PAIRS, () => this.#pair(SMALL, { rounds: 15, actions: 100 }));
    const large = await repeat(3, () => this.#pair(LARGE, { rounds: 5, actions: 20 }));
    return {
      pipe_ms: small.pipe,
      warm_ms: small.process,
      run_ms: small.runner,
      warm_vs_pipe: small.process / small.pipe,
      run_vs_pipe: small.runner / small.pipe,
      call_100kb_ms: large.process,
      call_100kb_vs_pipe: large.process / large.pipe,
    };
  }

  async starts(): Promise<Record<string, number>> {
    const runner = this.#runner, spareless = this.#spareless, once = this.#once;
    const request = invocation(SMALL);
    const variants = {
      python: () => this.#python(),
      ready: () => this.#ready(),
      oneShot: () => spareless.call(once, request),
    };
    const starts = await measure(variants, { rounds: 25, actions: 1 });
    // One call each 100 ms: what is measured is the call, the spare is made in between.
    const before = () => sleep(100);
    const paced = await measure({ spare: () => runner.call(once, request) }, {
      rounds: 25,
      actions: 1,
      before,
    });
    const backToBack = await measure({
      spare: () => runner.call(once, request),
      none: () => spareless.call(once, request),
    }, { rounds: 7, actions: 10, before });
    return {
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

  async close(): Promise<void> {
    await Promise.all([this.#runner.close(), this.#spareless.close()]);
  }

  async #pair(value: string, options: MeasureOptions): Promise<Times<"pipe" | "process" | "runner">> {
    const pipe = new BarePipe(this.#program.interpreter), warm = await this.#start();
    const variants = {
      pipe: () => pipe.call(value),
      process: () => answerOf(warm, value),
      runner: () => this.#runner.call(this.#program, invocation(value)),
    };
    await measure(variants, { ...options, rounds: 1 });
    const times = await measure(variants, options);
    await Promise.all([pipe.end(), end(warm), this.#runner.stop(this.#program.key)]);
    return times;
  }

  async #python(): Promise<void> {
    const child = new BarePipe(this.#program.interpreter);
    await child.call(SMALL);
    await child.end();
  }

  async #ready(): Promise<void> {
    const launched = await this.#start();
    await answerOf(launched, SMALL);
    await end(launched);
  }
}

function invocation(value: string): { readonly tool: string; readonly input: { readonly value: string } } {
  return { tool: "echo", input: { value } };
}

function answerOf({ process }: Launched, value: string): Promise<unknown> {
  return process.exchange("invoke", invocation(value), { deadline: new Deadline(30_000) });
}

async function end({ process, scratch }: Launched): Promise<void> {
  await process.stop(new SkillError("closed", "done"));
  await scratch.remove();
}
