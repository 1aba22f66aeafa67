import type { Clock } from "../../../src/runner/resilience/types.ts";

/** A clock that moves when it is told to, or slept on. */
export class FakeClock implements Clock {
  time = 1000;
  readonly slept: number[] = [];

  now(): number {
    return this.time;
  }

  sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    this.slept.push(ms);
    this.time += ms;
    return Promise.resolve();
  }
}
