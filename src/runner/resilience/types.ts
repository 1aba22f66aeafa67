import type { RetryReason } from "../../manifest/types.ts";

/** How calls of one generation are kept going. Times are milliseconds. */
export interface Resilience {
  readonly retry: {
    /** Tries of one call, the first one included. */
    readonly maxAttempts: number;
    readonly backoff: "exponential" | "constant";
    /** What makes an idempotent tool be tried again after it was asked. */
    readonly retryOn: readonly RetryReason[];
  };
  readonly breaker: BreakerSettings;
  /** For all tries of one call together, waits and fallback included. Absent: as long as one try may take. */
  readonly timeoutMs?: number;
  /** Words of the command that answers when the skill can't. */
  readonly fallback?: readonly string[];
}

export interface BreakerSettings {
  /** Failures in a row that open it. */
  readonly failureThreshold: number;
  /** How long it stays open before one call is let through. */
  readonly recoveryMs: number;
}

/** Time, for waits and measures: a change of the computer's clock does not matter to it. */
export interface Clock {
  /** Milliseconds since some moment. */
  now(): number;
  /** @throws the signal's reason when it ends first */
  sleep(ms: number, signal: AbortSignal | undefined): Promise<void>;
}
