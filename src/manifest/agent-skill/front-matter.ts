import { SkillError } from "../../base/errors.ts";
import { isObject, type Json } from "../../base/json.ts";
import { parseYaml } from "../yaml.ts";

/** What stands between the `---` lines of a Markdown file, and what comes behind it. */
export interface FrontMatter {
  /** All scalars are text, as they stand: `1.0` is no number. */
  readonly data: Readonly<Record<string, Json>>;
  /** Line of each key, from 1. */
  readonly lines: Readonly<Record<string, number>>;
  /** Keys whose plain value holds `: `, which YAML refuses and other readers of skills take. */
  readonly unquoted: readonly string[];
  readonly body: string;
}

const MAX_LINES = 500;
const KEY_AND_VALUE = /^( *)([A-Za-z_][A-Za-z0-9_-]{0,63}): +(\S.*)$/;
/** What begins a value that is not plain text. */
const SIGN = /^["'|>[\]{}&*!%@`#]/;
const KEY = /^["']?([^\s"'#:-][^"':]{0,63})["']?:(?: |$)/;

/**
 * Reads YAML front matter. Plain text with a colon in it, which YAML refuses but skills often have, is taken as text.
 *
 * @throws {SkillError} `invalid_manifest` with file and line
 */
export function readFrontMatter(text: string, file: string): FrontMatter {
  const all = text.replaceAll("\r\n", "\n").split("\n");
  if (all[0]?.trimEnd() !== "---") {
    throw problem(file, 1, "it must start with YAML front matter", 'Write "---", then name and description');
  }
  const end = all.findIndex((line, index) => index > 0 && line.trimEnd() === "---");
  if (end < 0) throw problem(file, all.length, "the front matter is not closed", 'Close it with "---"');
  if (end > MAX_LINES) {
    throw problem(
      file,
      MAX_LINES,
      `the front matter has more than ${MAX_LINES} lines`,
      "Write text below it",
    );
  }
  const rows = all.slice(1, end);
  const { value, unquoted } = parse(rows, file);
  if (!isObject(value)) throw problem(file, 2, "front matter must be a YAML mapping", "Write key: value");
  const places = rows.flatMap((row, index) => {
    const key = KEY.exec(row)?.[1];
    return key === undefined ? [] : [[key, index + 2] as const];
  });
  return {
    data: value,
    lines: Object.fromEntries(places),
    unquoted,
    body: all.slice(end + 1).join("\n").replace(/^\n+/, ""),
  };
}

function parse(rows: readonly string[], file: string): { value: Json; unquoted: readonly string[] } {
  const read = (some: readonly string[]): Json =>
    parseYaml(some.join("\n"), { file, code: "invalid_manifest", lineOffset: 1, scalars: "text" });
  try {
    return { value: read(rows), unquoted: [] };
  } catch (error) {
    const { quoted, keys } = quoteColons(rows);
    if (keys.length === 0) throw error;
    return { value: read(quoted), unquoted: keys };
  }
}

/** Puts plain values with a colon in quotes, with the lines that continue them; every line stays where it is. */
function quoteColons(rows: readonly string[]): { quoted: readonly string[]; keys: readonly string[] } {
  const quoted = [...rows], keys: string[] = [];
  for (let at = 0, next = 1; at < rows.length; at = next) {
    next = at + 1;
    const [, indent = "", key, first = ""] = KEY_AND_VALUE.exec(rows[at] ?? "") ?? [];
    if (key === undefined) continue;
    while (next < rows.length && (rows[next] ?? "").startsWith(`${indent} `)) next++;
    const value = [first, ...rows.slice(at + 1, next)].map(withoutComment).filter((part) => part !== "").join(
      " ",
    );
    if (SIGN.test(first) || (!value.includes(": ") && !value.endsWith(":"))) continue;
    keys.push(key);
    quoted.fill("", at, next)[at] = `${indent}${key}: ${JSON.stringify(value)}`;
  }
  return { quoted, keys };
}

function withoutComment(text: string): string {
  return text.trim().replace(/(?:^|\s)#.*$/, "").trimEnd();
}

function problem(file: string, line: number, message: string, fix: string): SkillError {
  return new SkillError("invalid_manifest", `${file} line ${line}: ${message}`, {
    fix,
    details: { file, line },
  });
}
