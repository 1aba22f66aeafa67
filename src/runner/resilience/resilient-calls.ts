import { errorClass } from "../../base/error-class.ts";
import { SkillError, type SkillErrorCode } from "../../base/errors.ts";
import type { CallRequest, CallResult, Runner, SkillProgram } from "../types.ts";
import { Breaker, type BreakerStanding, type Verdict } from "./breaker.ts";
import { MONOTONIC } from "./clock.ts";
import { mayRetry, waitBefore } from "./retry.ts";
import type { Clock, Resilience } from "./types.ts";

/** What the calls of one generation are made with. */
export interface ResilientOptions {
  readonly runner: Pick<Runner, "call" | "command">;
  readonly id: string;
  readonly resilience: Resilience;
  /** What one try of a tool may take, in milliseconds. */
  readonly tryMs: (tool: string) => number;
  readonly isIdempotent: (tool: string) => boolean;
  /** Default: the machine's monotonic one. */
  readonly clock?: Clock;
  /** Default `Math.random`. */
  readonly random?: () => number;
}

/** Failures of a skill for which its fallback may answer. Not what the caller or a policy brought about. */
const FALLBACK_FOR: ReadonlySet<SkillErrorCode> = new Set([
  "start_failed",
  "handshake_failed",
  "process_died",
  "protocol_error",
  "circuit_open",
  "timeout",
  "limit_exceeded",
  "message_too_large",
  "tool_failed",
  "invalid_output",
]);

/** Answers of a skill that is alive, though not with what was hoped for. */
const ANSWERS: ReadonlySet<SkillErrorCode> = new Set([
  "tool_failed",
  "invalid_input",
  "invalid_output",
  "tool_not_found",
]);

/** The time of one call, on the clock. */
interface Budget {
  /** What one try may take. */
  readonly tryMs: number;
  /** When the last try ends. */
  readonly end: number;
  /** When everything ends, the fallback too: later than `end` where nobody said how long the whole may take. */
  readonly last: number;
}

/**
 * Calls the skill of one generation: tries again what may be, leaves it alone while it keeps failing, and asks its
 * fallback when nothing else helps.
 */
export class ResilientCalls implements Pick<Runner, "call"> {
  readonly #options: ResilientOptions;
  readonly #clock: Clock;
  readonly #breaker: Breaker;

  constructor(options: ResilientOptions) {
    this.#options = options;
    this.#clock = options.clock ?? MONOTONIC;
    this.#breaker = new Breaker(options.id, options.resilience.breaker, this.#clock);
  }

  /** Whether the skill is left alone, and why. */
  get standing(): BreakerStanding {
    return this.#breaker.standing;
  }

  /**
   * `request.timeout_ms` bounds the whole call. A first try may take longer by what starting a process takes, which has
   * a deadline of its own; no later one begins or goes on after the end.
   *
   * @throws {SkillError} what the last try said; `circuit_open`
   */
  async call(program: SkillProgram, request: CallRequest): Promise<CallResult> {
    const { timeoutMs } = this.#options.resilience;
    const tryMs = Math.min(this.#options.tryMs(request.tool), timeoutMs ?? Infinity);
    const now = this.#clock.now();
    const last = now + Math.min(request.timeout_ms ?? Infinity, timeoutMs ?? Infinity);
    const budget = { tryMs, end: Math.min(last, now + (timeoutMs ?? tryMs)), last };
    try {
      return await this.#tries(program, request, budget);
    } catch (error) {
      if (!SkillError.isInstance(error) || !FALLBACK_FOR.has(error.code)) throw error;
      return await this.#fallBack(program, request, budget, error);
    }
  }

  async #tries(program: SkillProgram, request: CallRequest, budget: Budget): Promise<CallResult> {
    const { retry } = this.#options.resilience;
    const idempotent = this.#options.isIdempotent(request.tool);
    let failed: SkillError | undefined;
    for (let attempt = 1;; attempt++) {
      const asked = { sent: false };
      try {
        const result = await this.#try(
          program,
          attempt === 1 ? request : within(this.#left(budget), request),
          budget,
          asked,
        );
        return attempt === 1 ? result : { ...result, attempts: attempt };
      } catch (error) {
        if (!SkillError.isInstance(error)) throw error;
        // A breaker that opened meanwhile, and a try that was cut short, tell less than what came before.
        const isLess = error.code === "circuit_open" ||
          (error.code === "cancelled" && request.signal?.aborted !== true);
        if (failed !== undefined && isLess) throw failed;
        failed = error;
        if (!mayRetry({ error, attempt, sent: asked.sent, idempotent }, retry)) throw error;
      }
      const wait = waitBefore(attempt, retry.backoff, (this.#options.random ?? Math.random)());
      if (wait >= this.#left(budget) || this.#breaker.status !== "closed") throw failed;
      await this.#wait(wait, request.signal);
    }
  }

  async #try(
    program: SkillProgram,
    request: CallRequest,
    budget: Budget,
    asked: { sent: boolean },
  ): Promise<CallResult> {
    const tell = this.#breaker.admit();
    const timeout_ms = Math.ceil(Math.min(budget.tryMs, Math.max(1, this.#left(budget))));
    const onSent = () => {
      asked.sent = true;
    };
    try {
      const result = await this.#options.runner.call(program, { ...request, timeout_ms, onSent });
      tell("works");
      return result;
    } catch (error) {
      const known = SkillError.isInstance(error) ? error : undefined;
      // Whoever gives a skill too little time, or has to wait for it, learns nothing about it.
      const isHasty = known?.code === "timeout" && (!asked.sent || timeout_ms < budget.tryMs * 0.9);
      tell(known === undefined || isHasty ? "unknown" : verdictOf(known), known?.code);
      throw error;
    }
  }

  #left({ end }: Budget): number {
    return end - this.#clock.now();
  }

  async #wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
    try {
      await this.#clock.sleep(ms, signal);
    } catch (error) {
      const what = `"${this.#options.id}", which was to be tried again,`;
      throw new SkillError("cancelled", `${what} was cancelled`, { cause: error });
    }
  }

  async #fallBack(
    program: SkillProgram,
    request: CallRequest,
    budget: Budget,
    failure: SkillError,
  ): Promise<CallResult> {
    const { fallback } = this.#options.resilience;
    const timeout_ms = Math.ceil(Math.min(budget.tryMs, budget.last - this.#clock.now()));
    if (fallback === undefined || timeout_ms <= 0) throw failure;
    try {
      const result = await this.#options.runner.command(program, fallback, { ...request, timeout_ms });
      const why = `the skill failed, and its fallback answered: ${failure.message}\n`;
      return { ...result, logs: why + result.logs, fallback: true };
    } catch (error) {
      const second = SkillError.from(error, "tool_failed", `the fallback of "${program.id}"`);
      if (second.code === "cancelled" || second.code === "closed") throw second;
      throw new SkillError(failure.code, `${failure.message}; its fallback failed too: ${second.message}`, {
        ...(failure.fix === undefined ? {} : { fix: failure.fix }),
        cause: failure,
        details: { ...failure.details, fallback: { code: second.code, message: second.message } },
      });
    }
  }
}

function verdictOf(error: SkillError): Verdict {
  if (ANSWERS.has(error.code)) return "works";
  return errorClass(error) === "transient" ? "failed" : "unknown";
}

/** The request of a further try, which ends with the whole call even while a process starts. */
function within(ms: number, request: CallRequest): CallRequest {
  const end = AbortSignal.timeout(Math.max(1, Math.ceil(ms)));
  const { signal } = request;
  return { ...request, signal: signal === undefined ? end : AbortSignal.any([end, signal]) };
}
