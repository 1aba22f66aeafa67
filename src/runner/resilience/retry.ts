import { errorClass } from "../../base/error-class.ts";
import type { SkillError } from "../../base/errors.ts";
import type { RetryReason } from "../../manifest/types.ts";
import type { Resilience } from "./types.ts";

const FIRST_WAIT_MS = 200;
const LONGEST_WAIT_MS = 10_000;

/** A failed try. */
export interface FailedTry {
  readonly error: SkillError;
  /** From 1. */
  readonly attempt: number;
  /** The skill was asked: it may have done what it was asked for. */
  readonly sent: boolean;
  readonly idempotent: boolean;
}

/**
 * Whether a call may be tried again. Before the skill was asked: when the start may go well next time. After it: only
 * a tool that is marked idempotent, and only for the reasons that are listed.
 */
export function mayRetry(
  { error, attempt, sent, idempotent }: FailedTry,
  retry: Resilience["retry"],
): boolean {
  if (attempt >= retry.maxAttempts) return false;
  if (!sent) return error.code !== "circuit_open" && errorClass(error) === "transient";
  const reason = retryReason(error);
  return idempotent && reason !== undefined && retry.retryOn.includes(reason);
}

/** Milliseconds before the next try, by full jitter: anything from 0 to a bound that doubles. `random` is below 1. */
export function waitBefore(attempt: number, backoff: "exponential" | "constant", random: number): number {
  const doubled = backoff === "constant" ? FIRST_WAIT_MS : FIRST_WAIT_MS * 2 ** (attempt - 1);
  return random * Math.min(LONGEST_WAIT_MS, doubled);
}

/** The reason by the manifest's names, or undefined when there is none for it. */
function retryReason({ code, details }: SkillError): RetryReason | undefined {
  if (code === "timeout" || code === "process_died") return code;
  if (code === "limit_exceeded") return "resource_limit";
  if (code !== "tool_failed") return undefined;
  // The skill's own word. All that it can gain is to be asked again.
  const exception = (details?.["data"] as { readonly exception?: unknown } | null | undefined)?.exception;
  return typeof exception === "string" && NETWORK_ERRORS.has(exception) ? "network_error" : undefined;
}

/** Exceptions of the standard library, requests, urllib3 and httpx for a network that failed. Not for answers like 404. */
const NETWORK_ERRORS: ReadonlySet<string> = new Set(
  `
  ConnectionError ConnectionRefusedError ConnectionResetError ConnectionAbortedError BrokenPipeError TimeoutError
  timeout gaierror URLError SSLError RemoteDisconnected IncompleteRead
  ConnectTimeout ReadTimeout ProxyError ChunkedEncodingError MaxRetryError NewConnectionError
  ProtocolError ConnectError ReadError WriteError RemoteProtocolError WriteTimeout
  PoolTimeout ClientConnectionError ServerDisconnectedError
  `.trim().split(/\s+/),
);
