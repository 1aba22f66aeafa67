import type { RunnerLimits } from "../types.ts";

/** The defaults of a runner. */
export const DEFAULT_LIMITS: RunnerLimits = {
  maxConcurrent: 5,
  maxConcurrentPerSkill: 5,
  maxQueue: 20,
  maxIdle: 16,
  idleMs: 300_000,
  healthCheckMs: 60_000,
  healthTimeoutMs: 5_000,
  spares: 1,
  spareMs: 60_000,
  maxMessageBytes: 102_400,
  maxLogBytes: 64 * 1024,
  maxFiles: 64,
  maxFileBytes: 32 * 1024 * 1024,
  maxRestarts: 5,
  backoffMs: [1_000, 2_000, 4_000, 60_000],
  healthyMs: 60_000,
  stopGraceMs: 1_000,
  cancelGraceMs: 1_000,
  testTimeoutMs: 60_000,
  outlineTimeoutMs: 10_000,
};
