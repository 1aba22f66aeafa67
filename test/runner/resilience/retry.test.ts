import { describe, expect, test } from "vitest";
import { SkillError, type SkillErrorCode } from "../../../src/base/errors.ts";
import type { RetryReason } from "../../../src/manifest/types.ts";
import { mayRetry, waitBefore } from "../../../src/runner/resilience/retry.ts";

const RETRY = {
  maxAttempts: 3,
  backoff: "exponential",
  retryOn: ["timeout", "resource_limit", "network_error"] as readonly RetryReason[],
} as const;
const failed = (code: SkillErrorCode, details: Record<string, unknown> = {}) =>
  new SkillError(code, "x", { details });
const unsent = { attempt: 1, sent: false, idempotent: false };
const asked = { attempt: 1, sent: true, idempotent: true };

describe("mayRetry before the skill was asked", () => {
  test("tries a start again that may go well", () => {
    expect(mayRetry({ ...unsent, error: failed("start_failed") }, RETRY)).toBe(true);
  });

  test.each(
    ["permission_refused", "sandbox_unavailable", "queue_full", "cancelled", "circuit_open"] as const,
  )(
    "leaves %s as it is",
    (code) => expect(mayRetry({ ...unsent, error: failed(code) }, RETRY)).toBe(false),
  );

  test("a permanent error is not tried again", () => {
    const error = failed("start_failed", { wire_code: -32003 });
    expect(mayRetry({ ...unsent, error }, RETRY)).toBe(false);
  });
});

describe("mayRetry after the skill was asked", () => {
  test.each(["timeout", "limit_exceeded"] as const)(
    "tries an idempotent tool again on %s, no other",
    (code) => {
      expect(mayRetry({ ...asked, error: failed(code) }, RETRY)).toBe(true);
      expect(mayRetry({ ...asked, idempotent: false, error: failed(code) }, RETRY)).toBe(false);
      expect(mayRetry({ ...asked, error: failed(code) }, { ...RETRY, retryOn: [] })).toBe(false);
    },
  );

  test("takes a tool's exception of the network for a network error, another one not", () => {
    const raised = (exception: string) => failed("tool_failed", { data: { exception } });
    expect(mayRetry({ ...asked, error: raised("ConnectionResetError") }, RETRY)).toBe(true);
    expect(mayRetry({ ...asked, error: raised("ValueError") }, RETRY)).toBe(false);
    expect(mayRetry({ ...asked, error: failed("tool_failed") }, RETRY)).toBe(false);
  });

  test("a process that died is tried again only where the list says so", () => {
    const error = failed("process_died");
    expect(mayRetry({ ...asked, error }, RETRY)).toBe(false);
    expect(mayRetry({ ...asked, error }, { ...RETRY, retryOn: ["process_died"] })).toBe(true);
  });
});

test("mayRetry ends with max_attempts", () => {
  const error = failed("start_failed");
  expect(mayRetry({ ...unsent, attempt: 2, error }, RETRY)).toBe(true);
  expect(mayRetry({ ...unsent, attempt: 3, error }, RETRY)).toBe(false);
});

test("waitBefore is anything from 0 to a bound that doubles up to ten seconds", () => {
  const longest = [1, 2, 3, 9].map((attempt) => waitBefore(attempt, "exponential", 1));
  expect(longest).toEqual([200, 400, 800, 10_000]);
  expect(waitBefore(3, "exponential", 0.25)).toBe(200);
  expect(waitBefore(3, "exponential", 0)).toBe(0);
  expect(waitBefore(9, "constant", 1)).toBe(200);
});
