import { Buffer } from "node:buffer";
import { SkillError, type SkillErrorCode } from "./errors.ts";

/** A value that JSON can carry. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Whether a value is an object, and no array. */
export function isObject(value: Json | undefined): value is { readonly [key: string]: Json };
export function isObject(value: unknown): value is { readonly [key: string]: unknown };
export function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Bounds of a JSON text from a stranger. */
export interface JsonBounds {
  /** Bytes of UTF-8. Default 1 MiB. */
  readonly maxBytes?: number;
  /** Nesting of arrays and objects. Default 64. */
  readonly maxDepth?: number;
  /** Code of the error thrown. Default `invalid_input`. */
  readonly code?: SkillErrorCode;
}

/** Keys that could reach a prototype. */
export const POISONED_KEYS: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);

/**
 * Parses JSON that a stranger wrote. Size and depth are checked before anything is parsed, and keys that could
 * reach a prototype are dropped.
 *
 * @throws {SkillError} with `bounds.code`, saying what was wrong with `what`.
 */
export function parseJson(text: string | Uint8Array, what: string, bounds: JsonBounds = {}): Json {
  const { maxBytes = 1 << 20, maxDepth = 64, code = "invalid_input" } = bounds;
  const size = typeof text === "string" ? Buffer.byteLength(text) : text.byteLength;
  if (size > maxBytes) throw new SkillError(code, `${what} is ${size} bytes long, the limit is ${maxBytes}`);
  const source = typeof text === "string" ? text : decodeUtf8(text, what, code);
  if (nesting(source) > maxDepth) {
    throw new SkillError(code, `${what} is nested deeper than ${maxDepth} levels`);
  }
  try {
    return JSON.parse(source, (key, value) => (POISONED_KEYS.has(key) ? undefined : value)) as Json;
  } catch (error) {
    throw new SkillError(code, `${what} is not JSON: ${(error as Error).message}`, { cause: error });
  }
}

/** Decodes strict UTF-8. */
export function decodeUtf8(bytes: Uint8Array, what: string, code: SkillErrorCode = "invalid_input"): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw new SkillError(code, `${what} is not valid UTF-8`, { cause: error });
  }
}

/** JSON with sorted keys and no white space: equal values give equal text, so it can be hashed and compared. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner !== "object" || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
  });
}

/** The deepest nesting of brackets outside strings, found without parsing. */
function nesting(text: string): number {
  let depth = 0, deepest = 0, inString = false;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (inString) {
      if (unit === 0x5c) at++;
      else if (unit === 0x22) inString = false;
    } else if (unit === 0x22) inString = true;
    else if (unit === 0x5b || unit === 0x7b) deepest = Math.max(deepest, ++depth);
    else if (unit === 0x5d || unit === 0x7d) depth--;
  }
  return deepest;
}
