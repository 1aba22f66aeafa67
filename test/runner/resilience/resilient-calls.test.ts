import { describe, expect, test } from "vitest";
import { SkillError, type SkillErrorCode } from "../../../src/base/errors.ts";
import type { Json } from "../../../src/base/json.ts";
import { MONOTONIC } from "../../../src/runner/resilience/clock.ts";
import { ResilientCalls, type ResilientOptions } from "../../../src/runner/resilience/resilient-calls.ts";
import type { Resilience } from "../../../src/runner/resilience/types.ts";
import type { CallRequest, CallResult } from "../../../src/runner/types.ts";
import { fixtureProgram } from "../support.ts";
import { FakeClock } from "./fake-clock.ts";

const RESILIENCE: Resilience = {
  retry: {
    maxAttempts: 3,
    backoff: "exponential",
    retryOn: ["timeout", "resource_limit", "network_error"],
  },
  breaker: { failureThreshold: 5, recoveryMs: 60_000 },
};

const PROGRAM = fixtureProgram("functions.py");

/** What one try does: take time, be asked or not, then answer or fail. */
interface Step {
  readonly ms?: number;
  readonly sent?: boolean;
  readonly fails?: SkillErrorCode;
}

const died: Step = { sent: true, fails: "process_died" };
const noStart: Step = { fails: "start_failed" };

function times(count: number, step: Step): Step[] {
  return Array.from({ length: count }, () => step);
}

function answer(value: Json): CallResult {
  const sandbox = { backend: "unsafe-none", unenforced: [] } as const;
  return { value, artifacts: {}, logs: "", usage: { wall_ms: 1 }, sandbox };
}

/** Calls that go as written; the time of a runner that is not there. */
class Story {
  readonly clock = new FakeClock();
  readonly tries: CallRequest[] = [];
  readonly fallbacks: { words: readonly string[]; timeout_ms: number | undefined }[] = [];
  readonly calls: ResilientCalls;
  readonly #steps: Step[];
  fallbackFails = false;

  constructor(steps: Step[], options: Partial<ResilientOptions> & { resilience?: Resilience } = {}) {
    this.#steps = steps;
    this.calls = new ResilientCalls({
      runner: {
        call: (_program, request) => this.#play(request),
        command: (_program, words, { timeout_ms }) => {
          this.fallbacks.push({ words, timeout_ms });
          return this.fallbackFails
            ? Promise.reject(new SkillError("tool_failed", "exit code 1"))
            : Promise.resolve(answer("instead"));
        },
      },
      id: "s",
      resilience: RESILIENCE,
      tryMs: () => 10_000,
      isIdempotent: () => true,
      clock: this.clock,
      random: () => 0.5,
      ...options,
    });
  }

  call(request: Partial<CallRequest> = {}): Promise<CallResult> {
    return this.calls.call(PROGRAM, { tool: "t", input: {}, ...request });
  }

  /** The code that a call ends with. */
  async failure(request: Partial<CallRequest> = {}): Promise<SkillErrorCode> {
    const error: unknown = await this.call(request).catch((reason: unknown) => reason);
    if (SkillError.isInstance(error)) return error.code;
    throw new Error("the call went well");
  }

  #play(request: CallRequest): Promise<CallResult> {
    const { ms = 0, sent, fails } = this.#steps[this.tries.length] ?? {};
    this.tries.push(request);
    this.clock.time += ms;
    if (sent === true) request.onSent?.();
    return fails === undefined
      ? Promise.resolve(answer("done"))
      : Promise.reject(new SkillError(fails, `it ${fails}`));
  }
}

describe("ResilientCalls tries again", () => {
  test("a start that failed, and says how often", async () => {
    const story = new Story([noStart, noStart]);
    expect(await story.call()).toMatchObject({ value: "done", attempts: 3 });
    expect(story.clock.slept).toEqual([100, 200]);
  });

  test("no more often than max_attempts", async () => {
    const story = new Story([noStart, noStart, noStart, noStart]);
    expect(await story.failure()).toBe("start_failed");
    expect(story.tries).toHaveLength(3);
  });

  test("only tools that are marked idempotent, once the skill was asked", async () => {
    const hang: Step = { sent: true, fails: "timeout" };
    const marked = new Story([hang]), unmarked = new Story([hang], { isIdempotent: () => false });
    expect((await marked.call()).attempts).toBe(2);
    expect(await unmarked.failure()).toBe("timeout");
    expect(unmarked.tries).toHaveLength(1);
  });

  test("within one deadline", async () => {
    const story = new Story([{ ...noStart, ms: 6_000 }, { ...noStart, ms: 3_950 }]);
    expect(await story.failure()).toBe("start_failed");
    expect(story.tries.map(({ timeout_ms }) => timeout_ms)).toEqual([10_000, 3_900]);
    expect(story.clock.time).toBe(1000 + 6_000 + 100 + 3_950);
  });

  test("within the time that the manifest gives all tries together", async () => {
    const hang: Step = { sent: true, fails: "timeout", ms: 10_000 };
    const story = new Story([hang, hang], { resilience: { ...RESILIENCE, timeoutMs: 15_000 } });
    expect(await story.failure()).toBe("timeout");
    expect(story.tries.map(({ timeout_ms }) => timeout_ms)).toEqual([10_000, 4_900]);
  });

  test("no longer because the caller could wait longer", async () => {
    const story = new Story([{ sent: true, fails: "timeout", ms: 10_000 }]);
    expect(await story.failure({ timeout_ms: 60_000 })).toBe("timeout");
    expect(story.tries.map(({ timeout_ms }) => timeout_ms)).toEqual([10_000]);
  });

  test("not when the caller cancels between two tries", async () => {
    const story = new Story([noStart]), controller = new AbortController();
    story.clock.sleep = () => {
      controller.abort();
      return Promise.reject(new Error("aborted"));
    };
    expect(await story.failure({ signal: controller.signal })).toBe("cancelled");
    expect(story.tries).toHaveLength(1);
  });

  test("until the breaker opens", async () => {
    const story = new Story(times(9, noStart));
    expect(await story.failure()).toBe("start_failed");
    expect(await story.failure()).toBe("start_failed");
    expect(story.tries).toHaveLength(5);
    expect(await story.failure()).toBe("circuit_open");
    expect(story.tries).toHaveLength(5);
  });
});

test("MONOTONIC ends a wait when the caller cancels", async () => {
  const controller = new AbortController();
  const wait = MONOTONIC.sleep(3_600_000, controller.signal);
  controller.abort();
  await expect(wait).rejects.toThrow("aborted");
});

describe("ResilientCalls opens its breaker", () => {
  test("for a skill that dies, never for what the caller or the tool did wrong", async () => {
    const story = new Story(times(5, died), { isIdempotent: () => false });
    for (let count = 0; count < 5; count++) expect(await story.failure()).toBe("process_died");
    expect(await story.failure()).toBe("circuit_open");
    for (
      const code of ["tool_failed", "invalid_input", "cancelled", "queue_full", "limit_exceeded"] as const
    ) {
      const harmless = new Story(times(6, { sent: true, fails: code }), { isIdempotent: () => false });
      for (let count = 0; count < 6; count++) expect(await harmless.failure()).toBe(code);
    }
  });

  test("not for a caller that gives too little time", async () => {
    const hang: Step = { sent: true, fails: "timeout" };
    const hasty = new Story(times(6, hang), { isIdempotent: () => false });
    for (let count = 0; count < 6; count++) expect(await hasty.failure({ timeout_ms: 5 })).toBe("timeout");
    const patient = new Story(times(6, hang), { isIdempotent: () => false });
    for (let count = 0; count < 5; count++) expect(await patient.failure()).toBe("timeout");
    expect(await patient.failure()).toBe("circuit_open");
    const strict = new Story(times(6, hang), {
      isIdempotent: () => false,
      resilience: { ...RESILIENCE, timeoutMs: 500 },
    });
    for (let count = 0; count < 5; count++) expect(await strict.failure()).toBe("timeout");
    expect(await strict.failure()).toBe("circuit_open");
  });

  test("and closes it when the one call after the wait goes well", async () => {
    const story = new Story(times(5, died), { isIdempotent: () => false });
    for (let count = 0; count < 5; count++) await story.failure();
    story.clock.time += 59_999;
    expect(await story.failure()).toBe("circuit_open");
    story.clock.time += 1;
    expect((await story.call()).value).toBe("done");
    expect((await story.call()).value).toBe("done");
  });
});

describe("ResilientCalls asks the fallback", () => {
  const resilience = { ...RESILIENCE, fallback: ["echo", "x"] };

  test("after the last try, and says so", async () => {
    const story = new Story([noStart, noStart, noStart], { resilience });
    expect(await story.call()).toMatchObject({
      value: "instead",
      fallback: true,
      logs: "the skill failed, and its fallback answered: it start_failed\n",
    });
    expect(story.fallbacks).toEqual([{ words: ["echo", "x"], timeout_ms: 10_000 }]);
  });

  test("while the breaker is open", async () => {
    const story = new Story(times(5, died), { resilience, isIdempotent: () => false });
    for (let count = 0; count < 5; count++) await story.call();
    expect(await story.call()).toMatchObject({ fallback: true, logs: expect.stringContaining("left alone") });
    expect(story.tries).toHaveLength(5);
  });

  test.each(
    ["invalid_input", "tool_not_found", "cancelled", "permission_refused", "queue_full", "closed"] as const,
  )(
    "not for %s",
    async (fails) => {
      const story = new Story([{ fails }], { resilience });
      expect(await story.failure()).toBe(fails);
      expect(story.fallbacks).toEqual([]);
    },
  );

  test("in what is left of the time that was given, or not at all", async () => {
    const slow: Step = { ...died, ms: 4_000 };
    const story = new Story([slow, { ...slow, ms: 9_000 }], { resilience, isIdempotent: () => false });
    await story.call({ timeout_ms: 7_000 });
    expect(story.fallbacks).toEqual([{ words: ["echo", "x"], timeout_ms: 3_000 }]);
    expect(await story.failure({ timeout_ms: 7_000 })).toBe("process_died");
    expect(story.fallbacks).toHaveLength(1);
  });

  test("and tells both failures when it fails too", async () => {
    const story = new Story([died], { resilience, isIdempotent: () => false });
    story.fallbackFails = true;
    await expect(story.call()).rejects.toMatchObject({
      code: "process_died",
      message: "it process_died; its fallback failed too: exit code 1",
      details: { fallback: { code: "tool_failed", message: "exit code 1" } },
    });
  });
});
