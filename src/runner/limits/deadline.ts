import { SkillError } from "../../base/errors.ts";
import type { SharedAlarm } from "./shared-alarm.ts";

/** The time that a call has left, and the caller's wish to end it. Counts waiting, not the start of a process. */
export class Deadline {
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  readonly #unref: boolean;
  #end: number;

  /** With `unref` a wait for it does not keep the host alive: nobody waits for the answer. */
  constructor(timeoutMs: number, signal?: AbortSignal, { unref = false }: { readonly unref?: boolean } = {}) {
    this.timeoutMs = timeoutMs;
    this.signal = signal;
    this.#unref = unref;
    this.#end = performance.now() + timeoutMs;
  }

  /** Milliseconds left, never below 0. */
  get leftMs(): number {
    return Math.max(0, this.#end - performance.now());
  }

  /** Moves the end: the start of a process has a deadline of its own. */
  extend(ms: number): void {
    this.#end += ms;
  }

  /** @throws {SkillError} `cancelled` */
  throwIfCancelled(what: string): void {
    if (this.signal?.aborted === true) throw cancelled(what, this.signal);
  }

  /**
   * Runs `onEnd` once when time is up or the caller cancels, until the answer is called. The timer keeps the host
   * alive: that is what makes it wait for a call though the skill's process itself never does. With `alarm` it is
   * one that others use too.
   */
  watch(what: string, onEnd: (error: SkillError) => void, alarm?: SharedAlarm): () => void {
    const { signal } = this;
    const clear = this.#setAlarm(() => onEnd(timedOut(what, this.timeoutMs)), alarm);
    if (signal === undefined) return clear;
    const onAbort = () => onEnd(cancelled(what, signal));
    let watched = true;
    signal.addEventListener("abort", onAbort, { once: true });
    // A signal that has ended already fires no event.
    if (signal.aborted) queueMicrotask(() => watched && onAbort());
    return () => {
      watched = false;
      clear();
      signal.removeEventListener("abort", onAbort);
    };
  }

  #setAlarm(onDue: () => void, alarm: SharedAlarm | undefined): () => void {
    if (alarm !== undefined && !this.#unref) return alarm.set(this.leftMs, onDue);
    const timer = setTimeout(onDue, Math.min(this.leftMs, 2 ** 31 - 1));
    if (this.#unref) timer.unref();
    return () => clearTimeout(timer);
  }
}

/** What `work` comes to, or the end of the deadline if that is first; `work` goes on then. */
export function within<Value>(deadline: Deadline, what: string, work: Promise<Value>): Promise<Value> {
  return new Promise((resolve, reject) => {
    const stopWatching = deadline.watch(what, reject);
    work.then(resolve, reject).finally(stopWatching);
  });
}

function timedOut(what: string, timeoutMs: number): SkillError {
  return new SkillError("timeout", `${what} did not end within ${timeoutMs} ms`, {
    fix: "give it more time, or less to do",
    details: { timeout_ms: timeoutMs, limit: "time" },
  });
}

function cancelled(what: string, signal: AbortSignal): SkillError {
  return new SkillError("cancelled", `${what} was cancelled`, { cause: signal.reason });
}
