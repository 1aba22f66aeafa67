import { setTimeout as sleep } from "node:timers/promises";
import { SkillError } from "../base/errors.ts";
import type { Deadline } from "./deadline.ts";
import { launch, type LaunchContext, type Launched, type LaunchRequest } from "./launch.ts";
import { programLaunch } from "./program-launch.ts";
import { afterDeath, type Deaths, NO_DEATHS, restartDelay, unstable } from "./restarts.ts";
import type { Ending, SkillProcess } from "./skill-process.ts";
import type { ProcessInfo, RunnerEvents, SkillProgram } from "./types.ts";

/** What the pool tells. */
export interface PoolEvents {
  readonly onLog: (event: RunnerEvents["log"]) => void;
  readonly onUnstable: (event: RunnerEvents["unstable"]) => void;
}

/** A process with the program that it serves. */
export interface Member extends Launched {
  readonly program: SkillProgram;
}

interface Tracked {
  readonly program: Pick<SkillProgram, "key" | "id" | "version">;
  readonly process: SkillProcess;
}

/** Owns every process of a runner: starts them, keeps idle daemons for the next call, counts deaths, ends them. */
export class ProcessPool {
  readonly #context: LaunchContext;
  readonly #events: PoolEvents;
  readonly #alive = new Set<Tracked>();
  /** By key, the one used last at the end. */
  readonly #idle = new Map<string, Member[]>();
  readonly #deaths = new Map<string, Deaths>();
  readonly #unstable = new Map<string, SkillError>();
  /** Starts under way, and folders that are being removed: `close` waits for them. */
  readonly #underWay = new Set<Promise<unknown>>();
  #closed: SkillError | undefined;

  constructor(context: LaunchContext, events: PoolEvents) {
    this.#context = context;
    this.#events = events;
  }

  /**
   * A process for one call: an idle daemon, or a new one. The time of the start is added to `deadline`.
   *
   * @throws {SkillError} why none can be had
   */
  async take(program: SkillProgram, deadline: Deadline): Promise<Member> {
    const idle = program.mode === "daemon" ? this.#takeIdle(program.key) : undefined;
    if (idle !== undefined) return idle;
    if (program.mode === "daemon") await this.#backOff(program, deadline);
    const started = performance.now();
    try {
      const request = programLaunch(program, "serve", this.#context.limits);
      const launched = await this.launch(
        program,
        withSignal(request, deadline.signal),
        program.mode === "daemon",
      );
      return { ...launched, program };
    } finally {
      deadline.extend(performance.now() - started);
    }
  }

  /** Takes a process back after its call: a daemon waits for the next one, any other ends. */
  async give(member: Member): Promise<void> {
    const { program, process } = member;
    if (process.status !== "running") {
      await process.ended;
    } else if (program.mode === "daemon" && this.#closed === undefined) {
      this.#keep(member);
    } else {
      await process.stop(served(program));
    }
  }

  /** Starts any process under the pool's care. With `counts`, its death by itself is held against its key. */
  async launch(
    program: Pick<SkillProgram, "key" | "id" | "version">,
    request: LaunchRequest,
    counts = false,
  ): Promise<Launched> {
    if (this.#closed !== undefined) throw this.#closed;
    const { key, id } = program;
    const onProcess = (process: SkillProcess) => this.#track({ program, process }, counts);
    const onLog = (text: string) => this.#events.onLog({ key, id, text });
    const launched = await this.#await(launch(this.#context, { ...request, onLog, onProcess }));
    void this.#await(launched.process.ended.then(() => launched.scratch.remove()));
    return launched;
  }

  list(): readonly ProcessInfo[] {
    return [...this.#alive].map(({ program: { key, id, version }, process }) => ({
      key,
      id,
      version,
      pid: process.pid,
      state: process.status,
      busy: process.busy,
      calls: process.calls,
      started_at: process.startedAt,
    }));
  }

  /** Ends all processes of a key and forgets its deaths. */
  async stop(key: string, cause: SkillError): Promise<void> {
    this.#deaths.delete(key);
    this.#unstable.delete(key);
    await this.#stopAll((tracked) => tracked.program.key === key, cause);
  }

  /** Ends everything, for good. */
  async close(cause: SkillError): Promise<void> {
    this.#closed ??= cause;
    while (this.#alive.size + this.#underWay.size > 0) {
      await this.#stopAll(() => true, cause);
      const [first] = this.#underWay;
      await first?.catch(() => {});
    }
  }

  async #stopAll(which: (tracked: Tracked) => boolean, cause: SkillError): Promise<void> {
    const chosen = [...this.#alive].filter(which);
    await Promise.all(chosen.map(({ process }) => process.stop(cause)));
  }

  async #await<Value>(promise: Promise<Value>): Promise<Value> {
    this.#underWay.add(promise);
    try {
      return await promise;
    } finally {
      this.#underWay.delete(promise);
    }
  }

  #takeIdle(key: string): Member | undefined {
    const waiting = this.#idle.get(key);
    for (let member = waiting?.pop(); member !== undefined; member = waiting?.pop()) {
      if (member.process.status === "running") return member;
    }
    return undefined;
  }

  #keep(member: Member): void {
    const { key } = member.program;
    const waiting = this.#idle.get(key);
    if (waiting === undefined) this.#idle.set(key, [member]);
    else waiting.push(member);
    this.#evict();
  }

  /** Ends the longest kept of the idle processes when there are too many. */
  #evict(): void {
    let count = 0;
    for (const waiting of this.#idle.values()) count += waiting.length;
    if (count <= this.#context.limits.maxIdle) return;
    for (const [key, waiting] of this.#idle) {
      const oldest = waiting.shift();
      if (waiting.length === 0) this.#idle.delete(key);
      if (oldest !== undefined) {
        void oldest.process.stop(served(oldest.program));
        return;
      }
    }
  }

  #track(tracked: Tracked, counts: boolean): void {
    this.#alive.add(tracked);
    void tracked.process.ended.then((ending) => this.#ended(tracked, counts, ending));
    // Started while the pool was closing.
    if (this.#closed !== undefined) tracked.process.kill(this.#closed);
  }

  #ended(tracked: Tracked, counts: boolean, ending: Ending): void {
    this.#alive.delete(tracked);
    if (counts && !ending.intended) this.#died(tracked.program, ending);
  }

  #died({ key, id, version }: Tracked["program"], { cause }: Ending): void {
    const { limits } = this.#context;
    const deaths = afterDeath(this.#deaths.get(key) ?? NO_DEATHS, performance.now(), limits);
    this.#deaths.set(key, deaths);
    if (deaths.count <= limits.maxRestarts || this.#unstable.has(key)) return;
    const error = unstable(id, deaths, cause);
    this.#unstable.set(key, error);
    this.#events.onUnstable({ key, id, version, error });
  }

  async #backOff(program: SkillProgram, deadline: Deadline): Promise<void> {
    const { limits } = this.#context;
    const wait = restartDelay(this.#deaths.get(program.key) ?? NO_DEATHS, performance.now(), limits);
    const given = this.#unstable.get(program.key);
    if (given !== undefined) throw given;
    if (wait === undefined || wait === 0) return;
    await waitWithin(wait, `"${program.id}", which waits to be started again after it died,`, deadline);
  }
}

async function waitWithin(ms: number, what: string, deadline: Deadline): Promise<void> {
  deadline.throwIfCancelled(what);
  const early = new AbortController();
  let reason: SkillError | undefined;
  const stopWatching = deadline.watch(what, (error) => {
    reason = error;
    early.abort();
  });
  try {
    await sleep(ms, undefined, { signal: early.signal });
  } catch (error) {
    throw reason ?? error;
  } finally {
    stopWatching();
  }
}

function served({ id }: SkillProgram): SkillError {
  return new SkillError("closed", `"${id}" was ended after its call`);
}

function withSignal(request: LaunchRequest, signal: AbortSignal | undefined): LaunchRequest {
  return signal === undefined ? request : { ...request, signal };
}
