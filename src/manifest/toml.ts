import { parse, TomlError } from "smol-toml";
import { SkillError, type SkillErrorCode } from "../base/errors.ts";
import type { Json } from "../base/json.ts";

/** A TOML document as plain data. Dates and times are text; numbers that JSON lacks are text (`nan`, `inf`). */
export type TomlData = { readonly [key: string]: Json };

/** What `parseToml` needs to know for its errors. */
export interface TomlSource {
  /** Shown in errors. */
  readonly file: string;
  readonly code: SkillErrorCode;
  /** Line of the file on which the text starts, less one. Default 0. */
  readonly lineOffset?: number;
}

const MAX_DEPTH = 32;

/**
 * Parses TOML that a stranger wrote. Keys that could reach a prototype are refused, nesting is bounded to 32 levels.
 * The caller bounds the size.
 *
 * @throws {SkillError} with `source.code` and the line.
 */
export function parseToml(text: string, source: TomlSource): TomlData {
  try {
    return toJson(parse(text, { maxDepth: MAX_DEPTH, unsafeKeyBehaviour: "throw" }), 0) as TomlData;
  } catch (error) {
    throw tomlError(error, source);
  }
}

function tomlError(error: unknown, { file, code, lineOffset = 0 }: TomlSource): SkillError {
  const known = error instanceof TomlError;
  const line = known ? error.line + lineOffset : undefined;
  const reason = (error as Error).message.replace("Invalid TOML document: ", "").split("\n", 1)[0] ?? "";
  const place = line === undefined ? file : `${file} line ${line}`;
  return new SkillError(code, `${place}: not valid TOML: ${reason}`, {
    fix: known ? `Correct the line: ${excerpt(error.codeblock)}` : `Nest tables at most ${MAX_DEPTH} deep`,
    details: { file, ...(line === undefined ? {} : { line }), ...(known ? { column: error.column } : {}) },
    cause: error,
  });
}

/** The line that the parser's caret points at, bounded. */
function excerpt(codeblock: string): string {
  const lines = codeblock.split("\n");
  const caret = lines.findIndex((line) => /^\s*\^$/.test(line));
  return (lines[caret - 1] ?? lines[0] ?? "").replace(/^\d+\s*:\s*/, "").trim().slice(0, 120);
}

function toJson(value: unknown, depth: number): Json {
  if (depth > MAX_DEPTH) throw new RangeError(`nested deeper than ${MAX_DEPTH} levels`);
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map((item) => toJson(item, depth + 1));
  if (typeof value !== "object" || value === null) return value as Json;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, toJson(item, depth + 1)]));
}
