import type { Buffer } from "node:buffer";
import { isUtf8 } from "node:buffer";
import { SkillError, type SkillErrorCode } from "../../base/errors.ts";
import { type Json, POISONED_KEYS } from "../../base/json.ts";
import { claim, claimedInAnswer, claimText, LIMIT_FIXES, type LimitClaim } from "../limits/limit-evidence.ts";

/** Error codes on the JSON-RPC wire: the specification's, and those of our serving loop (`python/wire.py`). */
export const WIRE_CODES = {
  parseError: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  toolFailed: -32000,
  tooLarge: -32001,
  notJson: -32002,
  importFailed: -32003,
  cancelled: -32800,
} as const;

/** An error object as it stood on the wire, its shape checked. */
export interface WireError {
  readonly code: number;
  readonly message: string;
  readonly data?: Json;
}

/** What our serving loop adds to an answer. The skill could forge it, so it is for display and for waiting, bounded. */
export interface AnswerExtra {
  /** How many marks stand in stderr before what comes after this answer; 0 when nothing was printed. */
  readonly printed: number;
  readonly usage?: { readonly cpu_ms: number; readonly max_rss_kb: number };
}

/** What one line from a skill turned out to be. `broken` looks like JSON-RPC and is not; `noise` does not even look like it. */
export type Incoming =
  | { readonly kind: "result"; readonly id: number; readonly result: Json; readonly extra: AnswerExtra }
  | { readonly kind: "error"; readonly id: number; readonly error: WireError; readonly extra: AnswerExtra }
  | { readonly kind: "request"; readonly id: string | number; readonly method: string }
  | { readonly kind: "notification"; readonly method: string; readonly params: Json }
  | { readonly kind: "broken"; readonly id?: number; readonly reason: string }
  | { readonly kind: "noise"; readonly reason: string };

type Message = { readonly [key: string]: Json | undefined };

const BRACKETS_PER_LEVEL = 2;

/**
 * Reads one line (without its newline). Never throws: depth is checked before anything is parsed, keys that could
 * reach a prototype are dropped, and what is not exactly a JSON-RPC 2.0 message is told apart from noise.
 */
export function readMessage(line: Buffer, maxDepth: number): Incoming {
  const first = line[0];
  if (first !== 0x7b && first !== 0x5b && first !== 0xef && !isSpace(first)) {
    return { kind: "noise", reason: "not JSON" };
  }
  if (line.length > maxDepth * BRACKETS_PER_LEVEL && deeperThan(line, maxDepth)) {
    return { kind: "broken", reason: `nested deeper than ${maxDepth} levels` };
  }
  if (!isUtf8(line)) return { kind: looksLikeRpc(line) ? "broken" : "noise", reason: "not valid UTF-8" };
  let message: Json;
  try {
    message = parse(line.toString("utf8"));
  } catch (error) {
    return { kind: looksLikeRpc(line) ? "broken" : "noise", reason: (error as Error).message };
  }
  if (Array.isArray(message)) {
    return looksLikeRpc(line)
      ? { kind: "broken", reason: "batches are not supported" }
      : { kind: "noise", reason: "an array" };
  }
  if (typeof message !== "object" || message === null) return { kind: "noise", reason: "not an object" };
  return classify(message as Message);
}

/** Who answers: our serving loop, or a program that speaks JSON-RPC itself and numbers its own errors as it likes. */
export type Speaker = "loop" | "program";

/** The `SkillError` that a wire error becomes. `what` names the skill and the method. */
export function fromWireError(error: WireError, what: string, speaker: Speaker): SkillError {
  const code = (speaker === "loop" ? LOOP_CODES.get(error.code) : undefined) ??
    STANDARD_CODES.get(error.code);
  const details = { wire_code: error.code, ...(error.data === undefined ? {} : { data: error.data }) };
  const said = claimedBy(error, code);
  return new SkillError(
    code ?? "tool_failed",
    `${what}: ${error.message}${code === "message_too_large" ? "" : claimText(said)}`,
    {
      ...(said === undefined ? {} : { fix: LIMIT_FIXES[said.limit] }),
      details: { ...details, ...said },
    },
  );
}

function claimedBy({ data }: WireError, code: SkillErrorCode | undefined): LimitClaim | undefined {
  if (code === "message_too_large") return claim("output");
  return code === undefined || code === "start_failed" ? claimedInAnswer(data) : undefined;
}

const STANDARD_CODES: ReadonlyMap<number, SkillErrorCode> = new Map([
  [WIRE_CODES.methodNotFound, "tool_not_found"],
  [WIRE_CODES.invalidParams, "invalid_input"],
]);

const LOOP_CODES: ReadonlyMap<number, SkillErrorCode> = new Map([
  [WIRE_CODES.tooLarge, "message_too_large"],
  [WIRE_CODES.notJson, "invalid_output"],
  [WIRE_CODES.importFailed, "start_failed"],
]);

function classify(message: Message): Incoming {
  const { jsonrpc, id, method, result, error } = message;
  const rpcLike = jsonrpc !== undefined ||
    (id !== undefined && (result !== undefined || error !== undefined));
  if (!rpcLike) return { kind: "noise", reason: "an object, but not a JSON-RPC message" };
  const known = typeof id === "number" && Number.isSafeInteger(id) ? id : undefined;
  const broken = (reason: string): Incoming => ({
    kind: "broken",
    reason,
    ...(known === undefined ? {} : { id: known }),
  });
  if (jsonrpc !== "2.0") return broken(`"jsonrpc" is ${JSON.stringify(jsonrpc)}, not "2.0"`);
  if (typeof method === "string") return readRequest(method, message);
  if (result !== undefined && error !== undefined) return broken("both a result and an error");
  if (result === undefined && error === undefined) return broken("neither a result nor an error");
  if (id === null) return broken(`an answer without an id: ${errorText(error)}`);
  if (known === undefined) return { kind: "noise", reason: "an answer to a request that was never made" };
  const extra = readExtra(message);
  if (result !== undefined) return { kind: "result", id: known, result, extra };
  const checked = readError(error);
  return checked === undefined
    ? broken("an error without a whole code and a message")
    : { kind: "error", id: known, error: checked, extra };
}

const NO_EXTRA: AnswerExtra = { printed: 0 };

function readExtra({ printed, usage }: Message): AnswerExtra {
  if (printed === undefined && usage === undefined) return NO_EXTRA;
  const [cpu, rss] = Array.isArray(usage) ? (usage as readonly Json[]) : [];
  return {
    printed: typeof printed === "number" ? printed : 0,
    ...(typeof cpu === "number" && typeof rss === "number"
      ? { usage: { cpu_ms: cpu, max_rss_kb: rss } }
      : {}),
  };
}

function readRequest(method: string, { id, params }: Message): Incoming {
  if (id === undefined) return { kind: "notification", method, params: params ?? null };
  const usable = typeof id === "number" || (typeof id === "string" && id.length <= 256);
  return usable
    ? { kind: "request", id, method }
    : { kind: "noise", reason: "a request with an unusable id" };
}

function readError(error: Json | undefined): WireError | undefined {
  if (typeof error !== "object" || error === null || Array.isArray(error)) return undefined;
  const { code, message, data } = error as Message;
  if (typeof code !== "number" || !Number.isInteger(code) || typeof message !== "string") return undefined;
  return { code, message: message.slice(0, 2000), ...(data === undefined ? {} : { data }) };
}

function errorText(error: Json | undefined): string {
  return readError(error)?.message ?? "no error object";
}

/** `JSON.parse`, with the keys dropped that could reach a prototype. The slow way is only taken where such a key may be. */
function parse(text: string): Json {
  const source = text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
  return mayPoison(source)
    ? (JSON.parse(source, (key, value: Json) => (POISONED_KEYS.has(key) ? undefined : value)) as Json)
    : (JSON.parse(source) as Json);
}

function mayPoison(text: string): boolean {
  return text.includes("__proto__") || text.includes("constructor") || text.includes("prototype") ||
    (text.includes("\\u00") && /\\u00[4-7]/.test(text));
}

function looksLikeRpc(line: Buffer): boolean {
  return line.includes('"jsonrpc"');
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0d;
}

/** Whether brackets outside strings nest deeper than `limit`. */
function deeperThan(line: Buffer, limit: number): boolean {
  let depth = 0, inString = false;
  for (let at = 0; at < line.length; at++) {
    const byte = line[at];
    if (inString) {
      if (byte === 0x5c) at++;
      else if (byte === 0x22) inString = false;
    } else if (byte === 0x22) {
      inString = true;
    } else if (byte === 0x5b || byte === 0x7b) {
      if (++depth > limit) return true;
    } else if (byte === 0x5d || byte === 0x7d) depth--;
  }
  return false;
}
