import { SkillError, type SkillErrorCode } from "../../base/errors.ts";
import type { BreakerSettings, Clock } from "./types.ts";

/** What a call said about its skill: it works, it failed, or nothing was learned. */
export type Verdict = "works" | "failed" | "unknown";

/** The right to make one call, to be given back with what it showed. */
export type Admission = (verdict: Verdict, code?: SkillErrorCode) => void;

/** How a breaker stands. */
export interface BreakerStanding {
  /** `open`: calls end with `circuit_open`; `half_open`: one call may try. */
  readonly circuit: "closed" | "open" | "half_open";
  /** Failed calls in a row. */
  readonly failures: number;
  /** When a call is let through again; 0 unless open. */
  readonly retry_in_ms: number;
  /** Of the last failed call. */
  readonly last_error?: SkillErrorCode;
}

type State =
  | { readonly status: "closed"; readonly failures: number }
  | { readonly status: "open"; readonly failures: number; readonly until: number }
  | { readonly status: "half_open"; readonly failures: number; readonly trying: boolean };

const CLOSED: State = { status: "closed", failures: 0 };

/**
 * Leaves a skill alone that failed too often in a row. After a while exactly one call is let through; when it goes
 * well the skill is called as before, when it fails the wait begins anew.
 */
export class Breaker {
  readonly #settings: BreakerSettings;
  readonly #clock: Pick<Clock, "now">;
  readonly #id: string;
  #state: State = CLOSED;
  #last: SkillErrorCode | undefined;
  /** Counts the changes between closed and open: who was let in before one has nothing to say after it. */
  #era = 0;

  constructor(id: string, settings: BreakerSettings, clock: Pick<Clock, "now">) {
    this.#id = id;
    this.#settings = settings;
    this.#clock = clock;
  }

  get status(): State["status"] {
    return this.#state.status;
  }

  /** How it stands now: an open one whose time is over lets the next call through. */
  get standing(): BreakerStanding {
    const { status, failures } = this.#state;
    const left = this.#state.status === "open" ? Math.max(0, this.#state.until - this.#clock.now()) : 0;
    return {
      circuit: status === "open" && left === 0 ? "half_open" : status,
      failures,
      retry_in_ms: Math.ceil(left),
      ...(failures > 0 && this.#last !== undefined ? { last_error: this.#last } : {}),
    };
  }

  /** @throws {SkillError} `circuit_open`; `details.retry_in_ms` tells when a call is let through, 0 that one is under way */
  admit(): Admission {
    const now = this.#clock.now();
    const state = this.#state;
    if (state.status === "open" && now < state.until) throw this.#refusal(state.failures, state.until - now);
    if (state.status === "half_open" && state.trying) throw this.#refusal(state.failures, 0);
    if (state.status !== "closed") {
      this.#enter({ status: "half_open", failures: state.failures, trying: true });
    }
    const era = this.#era;
    return (verdict, code) => {
      if (era === this.#era) this.#learn(verdict, code);
    };
  }

  #learn(verdict: Verdict, code: SkillErrorCode | undefined): void {
    const { status, failures } = this.#state;
    if (verdict === "works") {
      if (status === "closed") this.#state = CLOSED;
      else this.#enter(CLOSED);
    } else if (verdict === "failed") {
      this.#last = code;
      const count = failures + 1;
      if (status === "closed" && count < this.#settings.failureThreshold) {
        this.#state = { status: "closed", failures: count };
      } else {
        this.#enter({
          status: "open",
          failures: count,
          until: this.#clock.now() + this.#settings.recoveryMs,
        });
      }
    } else if (status === "half_open") {
      this.#enter({ status: "half_open", failures, trying: false });
    }
  }

  #enter(state: State): void {
    this.#era++;
    this.#state = state;
  }

  #refusal(failures: number, waitMs: number): SkillError {
    const when = waitMs === 0
      ? "one call is trying it right now"
      : `the next try is in ${Math.ceil(waitMs / 1000)} s`;
    return new SkillError(
      "circuit_open",
      `"${this.#id}" failed ${failures} times in a row and is left alone: ${when}`,
      {
        fix: "try again later, or look at its log",
        details: { failures, retry_in_ms: Math.ceil(waitMs), ...(this.#last && { last_error: this.#last }) },
      },
    );
  }
}
