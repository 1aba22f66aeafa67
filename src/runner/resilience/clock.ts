import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "./types.ts";

/** The clock of this machine that never jumps. */
export const MONOTONIC: Clock = {
  now: () => performance.now(),
  sleep: (ms, signal) => sleep(ms, undefined, signal === undefined ? {} : { signal }),
};
