import { setImmediate } from "node:timers";
import { setTimeout as sleep } from "node:timers/promises";
import { SkillError } from "../../base/errors.ts";
import { type Deadline, within } from "../limits/deadline.ts";
import {
  begin,
  launch,
  type LaunchContext,
  type Launched,
  type LaunchRequest,
  prepare,
  type Prepared,
} from "../process/launch.ts";
import { isShared } from "../process/orders.ts";
import { programLaunch } from "../process/program-launch.ts";
import type { Ending, SkillProcess } from "../process/skill-process.ts";
import type { ProcessInfo, RunnerEvents, SkillProgram } from "../types.ts";
import { IdleDaemons, type Member } from "./idle-daemons.ts";
import { afterDeath, type Deaths, NO_DEATHS, recentDeaths, restartDelay, unstable } from "./restarts.ts";
import { SharedDaemons } from "./shared-daemons.ts";
import { Spares } from "./spares.ts";
import { Starts } from "./starts.ts";

/** What the pool tells. */
export interface PoolEvents {
  readonly onLog: (event: RunnerEvents["log"]) => void;
  readonly onUnstable: (event: RunnerEvents["unstable"]) => void;
}

/** Whom a process belongs to. */
type Owner = Pick<SkillProgram, "key" | "id" | "version">;

interface Tracked {
  readonly program: Owner;
  readonly process: SkillProcess;
}

/**
 * Owns every process of a runner: starts them, keeps idle daemons and spares for the next call, counts deaths, ends
 * them.
 */
export class ProcessPool {
  readonly #context: LaunchContext;
  readonly #events: PoolEvents;
  readonly #alive = new Set<Tracked>();
  readonly #idle: IdleDaemons;
  readonly #deaths = new Map<string, Deaths>();
  readonly #unstable = new Map<string, SkillError>();
  readonly #spares: Spares;
  readonly #shared = new SharedDaemons();
  /** Starts, waits for them, and folders that are being removed. */
  readonly #starts = new Starts();
  #closed: SkillError | undefined;

  constructor(context: LaunchContext, events: PoolEvents) {
    this.#context = context;
    this.#events = events;
    const { spares, maxIdle, spareMs } = context.limits;
    this.#idle = new IdleDaemons(context.limits);
    this.#spares = new Spares({
      size: spares,
      most: maxIdle,
      maxAgeMs: spareMs,
      prepare: (program) => this.#prepare(program),
    });
  }

  /**
   * A process for one call where none is ready: one that is shared once it has started, a spare, or a new one. The
   * time of the start is added to `deadline`.
   *
   * @throws {SkillError} why none can be had
   */
  take(program: SkillProgram, deadline: Deadline): Promise<Member> {
    return this.#starting(program, (stopped) => this.#takeStarted(program, deadline, stopped));
  }

  /** A process that serves already, if there is one for that program. */
  takeReady(program: SkillProgram): Member | undefined {
    if (isShared(program)) return this.#shared.join(program.key);
    return program.mode === "daemon" ? this.#idle.take(program.key) : undefined;
  }

  async #takeStarted(program: SkillProgram, deadline: Deadline, stopped: AbortSignal): Promise<Member> {
    if (program.mode === "daemon") await this.#backOff(program, deadline, stopped);
    stopped.throwIfAborted();
    const started = performance.now();
    try {
      return isShared(program)
        ? await this.#shared.take(program, deadline.signal, (signal) => this.#startShared(program, signal))
        : { ...await this.#start(program, deadline.signal), program };
    } finally {
      deadline.extend(performance.now() - started);
    }
  }

  /**
   * Takes a process back after its call: a daemon waits for the next one, any other ends. A spare is made for the next
   * call only then, so that its start does not stand in the way of this one.
   */
  async give(member: Member): Promise<void> {
    const { program, process } = member;
    if (isShared(program) && !this.#shared.leave(member)) return;
    if (process.status !== "running") {
      await process.ended;
    } else if (program.mode === "daemon" && this.#closed === undefined) {
      this.#idle.keep(member);
    } else {
      const { changes } = this.#spares;
      setImmediate(() => void this.#spares.refill(program, changes));
      await process.stop(served(program));
    }
  }

  /** Starts any process under the pool's care. With `counts`, its failure by itself is held against its key. */
  async launch(program: Owner, request: LaunchRequest, counts = false): Promise<Launched> {
    const launched = await this.#starting(
      program,
      (stopped) => launch(this.#context, this.#owned(program, request, counts, stopped)),
    );
    this.#removeAfter(program, launched);
    return launched;
  }

  /** Whether `take` has a daemon for that key without starting one. */
  isReady(key: string): boolean {
    return this.#idle.has(key) || this.#shared.has(key);
  }

  /** How often the processes of a key died by themselves, lately. */
  deaths(key: string): number {
    return recentDeaths(this.#deaths.get(key) ?? NO_DEATHS, performance.now(), this.#context.limits);
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

  /** Ends all processes of a key, those that are being started too, and forgets its deaths. */
  async stop(key: string, cause: SkillError): Promise<void> {
    this.#deaths.delete(key);
    this.#unstable.delete(key);
    this.#spares.drop(key);
    const started = this.#starts.stop(cause, key);
    await this.#stopAll((tracked) => tracked.program.key === key, cause);
    await started;
  }

  /** Ends everything, for good. */
  async close(cause: SkillError): Promise<void> {
    this.#closed ??= cause;
    while (this.#alive.size + this.#starts.size > 0) {
      const started = this.#starts.stop(cause);
      await this.#stopAll(() => true, cause);
      await started;
    }
  }

  async #start(program: SkillProgram, signal: AbortSignal | undefined): Promise<Launched> {
    const request = withSignal(programLaunch(program, "serve", this.#context.limits), signal);
    const spare = program.mode === "one_shot" ? this.#spares.take(program) : undefined;
    return spare === undefined
      ? await this.launch(program, request, program.mode === "daemon")
      : await this.#starting(program, () => begin(spare, request));
  }

  async #startShared(program: SkillProgram, signal: AbortSignal): Promise<Member> {
    return this.#idle.take(program.key) ?? { ...await this.#start(program, signal), program };
  }

  /** A spare. It has no skill in it yet, so its death says nothing about one. */
  async #prepare(program: SkillProgram): Promise<Prepared> {
    const request = programLaunch(program, "serve", this.#context.limits);
    const prepared = await this.#starting(
      program,
      (stopped) => prepare(this.#context, this.#owned(program, request, false, stopped)),
    );
    this.#removeAfter(program, prepared);
    return prepared;
  }

  #starting<Value>({ key }: Owner, action: (stopped: AbortSignal) => Promise<Value>): Promise<Value> {
    return this.#closed === undefined ? this.#starts.run(key, action) : Promise.reject(this.#closed);
  }

  #owned(program: Owner, request: LaunchRequest, counts: boolean, stopped: AbortSignal): LaunchRequest {
    const { key, id } = program;
    return {
      ...request,
      onProcess: (process) => {
        this.#track({ program, process }, counts);
        // It was still making its folder when it was stopped.
        if (stopped.aborted) process.kill(stopped.reason as SkillError);
      },
      onLog: (text) => this.#events.onLog({ key, id, text }),
    };
  }

  #removeAfter({ key }: Owner, { process, scratch }: Prepared): void {
    void this.#starts.run(key, () => process.ended.then(() => scratch.remove()));
  }

  async #stopAll(which: (tracked: Tracked) => boolean, cause: SkillError): Promise<void> {
    const chosen = [...this.#alive].filter(which);
    await Promise.all(chosen.map(({ process }) => process.stop(cause)));
  }

  #track(tracked: Tracked, counts: boolean): void {
    this.#alive.add(tracked);
    void tracked.process.ended.then((ending) => this.#ended(tracked, counts, ending));
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

  async #backOff(program: SkillProgram, deadline: Deadline, stopped: AbortSignal): Promise<void> {
    const { limits } = this.#context;
    const wait = restartDelay(this.#deaths.get(program.key) ?? NO_DEATHS, performance.now(), limits);
    const given = this.#unstable.get(program.key);
    if (given !== undefined) throw given;
    if (wait === undefined || wait === 0) return;
    const what = `"${program.id}", which waits to be started again after it failed,`;
    await waitWithin(wait, what, deadline, stopped);
  }
}

async function waitWithin(
  ms: number,
  what: string,
  deadline: Deadline,
  stopped: AbortSignal,
): Promise<void> {
  try {
    await within(deadline, what, sleep(ms, undefined, { signal: stopped }));
  } catch (error) {
    throw stopped.aborted ? stopped.reason : error;
  }
}

function served({ id }: SkillProgram): SkillError {
  return new SkillError("closed", `"${id}" was ended after its call`);
}

function withSignal(request: LaunchRequest, signal: AbortSignal | undefined): LaunchRequest {
  return signal === undefined ? request : { ...request, signal };
}
