import { SkillError } from "../../base/errors.ts";
import type { RunnerLimits } from "../types.ts";

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
  return { count: forgiven(deaths, now, limits) ? 1 : deaths.count + 1, at: now };
}

/** How many deaths are not forgiven yet. */
export function recentDeaths(deaths: Deaths, now: number, limits: RestartLimits): number {
  return forgiven(deaths, now, limits) ? 0 : deaths.count;
}

/** Milliseconds to wait before the next start; undefined when there must be none. */
export function restartDelay(deaths: Deaths, now: number, limits: RestartLimits): number | undefined {
  if (deaths.count > limits.maxRestarts) return undefined;
  if (deaths.count === 0 || forgiven(deaths, now, limits)) return 0;
  return Math.max(0, deaths.at + waitAfter(deaths.count, limits) - now);
}

/** Time spent waiting for a restart is no healthy time: a long wait must not wipe out the deaths that it follows. */
function forgiven({ count, at }: Deaths, now: number, limits: RestartLimits): boolean {
  return now - at > waitAfter(count, limits) + limits.healthyMs;
}

/** The waits as they are listed; between the last two the wait doubles. */
function waitAfter(count: number, { backoffMs }: RestartLimits): number {
  const most = backoffMs.at(-1) ?? 0, listed = backoffMs.length - 1;
  if (count === 0) return 0;
  if (count <= listed) return backoffMs[count - 1] ?? most;
  const doubled = (backoffMs[listed - 1] ?? most) * 2 ** (count - listed);
  return Math.min(most, doubled);
}

/** What callers get once a skill died too often. */
export function unstable(id: string, deaths: Deaths, last: SkillError): SkillError {
  return new SkillError(
    "start_failed",
    `"${id}" failed ${deaths.count} times, the last time: ${last.message}`,
    {
      fix: "look at its log, repair it, then start it again",
      cause: last,
      details: { deaths: deaths.count, ...last.details },
    },
  );
}
