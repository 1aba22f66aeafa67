import { SkillError } from "../base/errors.ts";
import type { RunnerLimits } from "./types.ts";

/** How often the processes of one key died by themselves, lately. */
export interface Deaths {
  readonly count: number;
  /** When the last one was, on the clock of the caller, in milliseconds. */
  readonly at: number;
}

export const NO_DEATHS: Deaths = { count: 0, at: 0 };

type RestartLimits = Pick<RunnerLimits, "maxRestarts" | "backoffMs" | "healthyMs">;

/** One death more; those before a healthy interval are forgiven. */
export function afterDeath(deaths: Deaths, now: number, limits: RestartLimits): Deaths {
  return { count: now - deaths.at > limits.healthyMs ? 1 : deaths.count + 1, at: now };
}

/** Milliseconds to wait before the next start; undefined when there must be none. */
export function restartDelay(deaths: Deaths, now: number, limits: RestartLimits): number | undefined {
  if (deaths.count > limits.maxRestarts) return undefined;
  if (deaths.count === 0 || now - deaths.at > limits.healthyMs) return 0;
  const wait = limits.backoffMs[Math.min(deaths.count, limits.backoffMs.length) - 1] ?? 0;
  return Math.max(0, deaths.at + wait - now);
}

/** What callers get once a skill died too often. */
export function unstable(id: string, deaths: Deaths, last: SkillError): SkillError {
  return new SkillError(
    "start_failed",
    `"${id}" died ${deaths.count} times, the last time: ${last.message}`,
    {
      fix: "look at its log, repair it, then start it again",
      cause: last,
      details: { deaths: deaths.count, ...last.details },
    },
  );
}
