import { SkillError } from "../../base/errors.ts";
import { Deadline } from "../limits/deadline.ts";
import { askHealth, isHealthy } from "../process/health.ts";
import type { Launched } from "../process/launch.ts";
import type { RunnerLimits, SkillProgram } from "../types.ts";

/** A process with the program that it serves. */
export interface Member extends Launched {
  readonly program: SkillProgram;
}

interface Idle {
  readonly member: Member;
  readonly since: number;
  /** When it was last known to be well. */
  readonly wellAt: number;
}

type IdleLimits = Pick<RunnerLimits, "maxIdle" | "idleMs" | "healthCheckMs" | "healthTimeoutMs">;

/**
 * Daemons between two calls. One timer looks after all of them: who was not called for long is ended, who is not well
 * has failed, and the next call starts anew. Nothing here keeps the host alive.
 */
export class IdleDaemons {
  readonly #limits: IdleLimits;
  /** By key, the one used last at the end. */
  readonly #idle = new Map<string, Idle[]>();
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Infinity;

  constructor(limits: IdleLimits) {
    this.#limits = limits;
  }

  /** The daemon of a key that was used last; the caller's from now on. */
  take(key: string): Member | undefined {
    const waiting = this.#idle.get(key);
    for (let last = waiting?.pop(); last !== undefined; last = waiting?.pop()) {
      if (last.member.process.status === "running") return last.member;
    }
    return undefined;
  }

  /** Whether `take` has one. */
  has(key: string): boolean {
    return this.#idle.get(key)?.some(({ member }) => member.process.status === "running") === true;
  }

  /** Keeps a daemon for the next call. The longest kept one is ended when there are too many. */
  keep(member: Member): void {
    const now = performance.now();
    this.#add({ member, since: now, wellAt: now });
    this.#evict();
  }

  #add(idle: Idle): void {
    const { key } = idle.member.program;
    const waiting = this.#idle.get(key);
    if (waiting === undefined) this.#idle.set(key, [idle]);
    else waiting.push(idle);
    this.#lookAt(this.#dueAt(idle));
  }

  #evict(): void {
    let count = 0;
    for (const waiting of this.#idle.values()) count += waiting.length;
    if (count <= this.#limits.maxIdle) return;
    for (const [key, waiting] of this.#idle) {
      const oldest = waiting.shift();
      if (waiting.length === 0) this.#idle.delete(key);
      if (oldest !== undefined) return end(oldest, "was ended after its call");
    }
  }

  #lookAt(due: number): void {
    if (due >= this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = due;
    this.#timer = setTimeout(() => this.#look(), Math.min(Math.max(0, due - performance.now()), 2 ** 31 - 1));
    this.#timer.unref();
  }

  /** Takes out who is due, and comes back for the next one. */
  #look(): void {
    const now = performance.now();
    let next = Infinity;
    this.#timerAt = Infinity;
    for (const [key, waiting] of this.#idle) {
      const staying = waiting.filter((idle) => {
        if (idle.member.process.status !== "running") return false;
        const due = this.#dueAt(idle);
        if (due <= now) void this.#attend(idle, now);
        else next = Math.min(next, due);
        return due > now;
      });
      if (staying.length === 0) this.#idle.delete(key);
      else this.#idle.set(key, staying);
    }
    this.#lookAt(next);
  }

  #dueAt({ member: { program }, since, wellAt }: Idle): number {
    const { health_check_ms: every = this.#limits.healthCheckMs } = program;
    return Math.min(since + this.#limits.idleMs, every === false ? Infinity : wellAt + every);
  }

  async #attend(idle: Idle, now: number): Promise<void> {
    if (idle.since + this.#limits.idleMs <= now) {
      return end(idle, "was ended, since nobody called it for long");
    }
    const { process, program } = idle.member;
    try {
      const deadline = new Deadline(this.#limits.healthTimeoutMs, undefined, { unref: true });
      const answer = await askHealth(idle.member, program, deadline);
      if (isHealthy(answer)) this.#add({ ...idle, wellAt: performance.now() });
      else process.fail(notWell(program, `it answered ${JSON.stringify(answer).slice(0, 200)}`));
    } catch (error) {
      process.fail(notWell(program, SkillError.from(error, "tool_failed", "no answer").message, error));
    }
  }
}

function notWell({ id }: SkillProgram, why: string, cause?: unknown): SkillError {
  return new SkillError("tool_failed", `"${id}" is not well: ${why}`, { cause });
}

function end({ member: { program, process } }: Idle, why: string): void {
  void process.stop(new SkillError("closed", `"${program.id}" ${why}`));
}
