import { SkillError } from "../../base/errors.ts";

/** @throws {SkillError} `cancelled` when the signal was raised */
export function throwIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted !== true) return;
  throw new SkillError("cancelled", "the caller cancelled", { cause: signal.reason });
}
