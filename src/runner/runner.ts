import { Emitter } from "../base/emitter.ts";
import { SkillError } from "../base/errors.ts";
import { HostFolder } from "../base/host-folder.ts";
import type { Json } from "../base/json.ts";
import type { SandboxBackend, SandboxPlan } from "../sandbox/types.ts";
import { Deadline, within } from "./limits/deadline.ts";
import { checkRequest, invoke } from "./process/invoke.ts";
import { askHealth } from "./process/health.ts";
import { type LaunchContext, type Launched, planLaunch } from "./process/launch.ts";
import { DEFAULT_LIMITS } from "./limits/limits.ts";
import type { Member } from "./pool/idle-daemons.ts";
import { ProcessPool } from "./pool/pool.ts";
import { isShared } from "./process/orders.ts";
import { outlineLaunch, programLaunch } from "./process/program-launch.ts";
import { RecentOutlines } from "./process/recent-outlines.ts";
import { givenRoot } from "./files/scratch.ts";
import { CommandRuns } from "./resilience/command-runs.ts";
import { Slots } from "./pool/slots.ts";
import { runTests } from "./process/test-run.ts";
import type {
  CallRequest,
  CallResult,
  ProcessInfo,
  Runner,
  RunnerEvents,
  RunnerLimits,
  ScriptOutline,
  ScriptSyntaxError,
  SkillProgram,
  TestCase,
} from "./types.ts";

/** What a runner stands on. */
export interface RunnerOptions {
  readonly sandbox: SandboxBackend;
  /**
   * Existing or not, a folder for the working folders of processes; absolute. Default: one of this host below the
   * system's folder for temporary files, removed by `close`, or by the next host when this one is killed.
   */
  readonly scratchRoot?: string;
  readonly limits?: Partial<RunnerLimits>;
}

/**
 * Makes a runner. Nothing is started before the first call, and no idle process keeps the host alive; `close` ends
 * them all.
 */
export function createRunner(options: RunnerOptions): Runner {
  return new ProcessRunner(options);
}

class ProcessRunner implements Runner {
  readonly #limits: RunnerLimits;
  readonly #context: LaunchContext;
  readonly #slots: Slots;
  readonly #pool: ProcessPool;
  readonly #commands: CommandRuns;
  readonly #events = new Emitter<RunnerEvents>();
  readonly #outlines = new RecentOutlines();
  #closing: Promise<void> | undefined;

  constructor({ sandbox, scratchRoot, limits }: RunnerOptions) {
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
    const { maxConcurrent, maxConcurrentPerSkill, maxQueue } = this.#limits;
    this.#slots = new Slots(maxConcurrent, maxConcurrentPerSkill, maxQueue);
    this.#context = {
      sandbox,
      scratchRoot: scratchRoot === undefined ? new HostFolder() : givenRoot(scratchRoot),
      limits: this.#limits,
    };
    this.#commands = new CommandRuns(this.#context);
    this.#pool = new ProcessPool(this.#context, {
      onLog: (event) => this.#events.emit("log", event),
      onUnstable: (event) => this.#events.emit("unstable", event),
    });
  }

  async call(program: SkillProgram, request: CallRequest): Promise<CallResult> {
    checkRequest(program, request, this.#limits);
    const timeout = Math.min(program.call_timeout_ms, request.timeout_ms ?? Infinity);
    const deadline = new Deadline(timeout, request.signal);
    return await this.#withMember(
      program,
      deadline,
      (member) => invoke(member, program, request, deadline, this.#limits),
    );
  }

  async command(
    program: SkillProgram,
    words: readonly string[],
    request: CallRequest,
  ): Promise<CallResult> {
    checkRequest(program, request, this.#limits);
    const { id, key, call_timeout_ms } = program;
    const deadline = new Deadline(Math.min(call_timeout_ms, request.timeout_ms ?? Infinity), request.signal);
    deadline.throwIfCancelled(`"${id}"`);
    if (!this.#slots.tryAcquire(id)) await this.#slots.acquire(id, deadline, key);
    try {
      return await this.#commands.run(program, words, request, deadline);
    } finally {
      this.#slots.release(id);
    }
  }

  async start(program: SkillProgram): Promise<ProcessInfo> {
    const deadline = new Deadline(program.call_timeout_ms);
    return await this.#withMember(program, deadline, ({ process }) => {
      const info = this.#pool.list().find(({ pid }) => pid === process.pid);
      if (info === undefined) {
        throw new SkillError("process_died", `"${program.id}" ended after its handshake`);
      }
      return Promise.resolve(info);
    });
  }

  async health(program: SkillProgram): Promise<Json> {
    const deadline = new Deadline(program.call_timeout_ms);
    return await this.#withMember(program, deadline, (member) => askHealth(member, program, deadline));
  }

  async test(
    program: SkillProgram,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<{ readonly cases: readonly TestCase[]; readonly logs: string }> {
    return await this.#alone(
      program,
      programLaunch(program, "tests", this.#limits),
      signal,
      (launched) => runTests(launched, this.#limits.testTimeoutMs, signal),
    );
  }

  async outline(
    program: Pick<SkillProgram, "interpreter" | "roots">,
    source: string,
  ): Promise<ScriptOutline | ScriptSyntaxError> {
    const who = { key: "outline", id: "outline", version: "0.0.0" };
    return await this.#outlines.get(program, source, async () => {
      const request = outlineLaunch(program, source, this.#limits);
      return await this.#alone(who, request, undefined, async ({ process }) => {
        const deadline = new Deadline(this.#limits.outlineTimeoutMs);
        const { value } = await process.exchange("outline", {}, { deadline });
        return value as ScriptOutline | ScriptSyntaxError; // our own code made it; the text was only parsed
      });
    });
  }

  async plan(program: SkillProgram): Promise<SandboxPlan> {
    return await planLaunch(this.#context, programLaunch(program, "serve", this.#limits));
  }

  async stop(key: string): Promise<void> {
    const cause = new SkillError("closed", "the skill was stopped");
    this.#slots.dismiss(key, cause);
    await Promise.all([this.#pool.stop(key, cause), this.#commands.stop(key, cause)]);
  }

  isReady(key: string): boolean {
    return this.#pool.isReady(key);
  }

  deaths(key: string): number {
    return this.#pool.deaths(key);
  }

  list(): readonly ProcessInfo[] {
    return this.#pool.list();
  }

  on<Name extends keyof RunnerEvents>(name: Name, listener: (event: RunnerEvents[Name]) => void): () => void {
    return this.#events.on(name, listener);
  }

  close(): Promise<void> {
    const cause = new SkillError("closed", "the runner was closed");
    this.#slots.close(cause);
    return this.#closing ??= Promise.all([this.#pool.close(cause), this.#commands.close(cause)]).then(() =>
      this.#context.scratchRoot.close()
    );
  }

  async #withMember<Result>(
    program: SkillProgram,
    deadline: Deadline,
    action: (member: Member) => Promise<Result>,
  ): Promise<Result> {
    const { id, key } = program;
    deadline.throwIfCancelled(`"${id}"`);
    if (!this.#slots.tryAcquire(id)) await this.#slots.acquire(id, deadline, key);
    if (isShared(program)) return await this.#withShared(program, deadline, action);
    let member: Member | undefined;
    try {
      member = this.#pool.takeReady(program) ?? await this.#pool.take(program, deadline);
      return await action(member);
    } finally {
      this.#giveBack(id, member);
    }
  }

  /** A call on a shared process may outlive its caller's patience. Its slot is held as long as the process runs it. */
  async #withShared<Result>(
    program: SkillProgram,
    deadline: Deadline,
    action: (member: Member) => Promise<Result>,
  ): Promise<Result> {
    const { id } = program;
    let work: Promise<Result>;
    try {
      const member = this.#pool.takeReady(program) ?? await this.#pool.take(program, deadline);
      work = action(member).finally(() => this.#giveBack(id, member));
    } catch (error) {
      this.#slots.release(id);
      throw error;
    }
    return await within(deadline, `"${id}"`, work);
  }

  /** The caller does not wait for the end of a process that is no longer needed, but its slot does. */
  #giveBack(id: string, member: Member | undefined): void {
    const release = () => this.#slots.release(id);
    if (member === undefined) release();
    else void this.#pool.give(member).then(release, release);
  }

  async #alone<Result>(
    program: Pick<SkillProgram, "key" | "id" | "version">,
    request: Parameters<ProcessPool["launch"]>[1],
    signal: AbortSignal | undefined,
    action: (launched: Launched) => Promise<Result>,
  ): Promise<Result> {
    const deadline = new Deadline(request.timeoutMs, signal);
    const { id } = program;
    if (!this.#slots.tryAcquire(id)) await this.#slots.acquire(id, deadline, program.key);
    try {
      const launched = await this.#pool.launch(
        program,
        signal === undefined ? request : { ...request, signal },
      );
      try {
        return await action(launched);
      } finally {
        launched.process.kill(new SkillError("closed", `"${id}" has done its work`));
        await launched.process.ended;
      }
    } finally {
      this.#slots.release(id);
    }
  }
}
