import { SkillError } from "../base/errors.ts";
import type { Finding } from "./types.ts";

/** The `script` block of a file, without its comment signs. */
export interface ScriptBlock {
  readonly toml: string;
  /** Line of `# /// script`, from 1: line n of `toml` is line `line + n` of the file. */
  readonly line: number;
}

const OPENING = "# /// script";
/** Ends of lines for Python's `str.splitlines`, which the specification's reference code uses, and not for uv. */
// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const ODD_LINE_END = /[\v\f\r\u001c-\u001e\u0085\u2028\u2029]/;

/**
 * Finds the PEP 723 block as uv does (crates/uv-scripts), and as the specification's expression does; where the two
 * don't see the same block the script is refused, because one tool would install what another ignores.
 *
 * @throws {SkillError} `invalid_script` with the line
 */
export function findScriptBlock(text: string, file: string): ScriptBlock | undefined {
  if (text.startsWith("\uFEFF")) {
    refuse(file, 1, "a byte order mark stands before the text and hides the script block from uv", {
      fix: "Save the file as UTF-8 without byte order mark",
    });
  }
  const lines = text.split("\n").map((line) => (line.endsWith("\r") ? line.slice(0, -1) : line));
  const blocks = scriptBlocks(lines);
  const second = blocks[1];
  if (second !== undefined) {
    refuse(file, second.open + 1, "a second script block", {
      fix: 'Keep one block; inside a string, break the line up, like "# //" + "/ script"',
    });
  }
  const open = uvOpening(text, lines, file);
  const own = open === undefined ? undefined : uvBlock(lines, open, file);
  const [other] = blocks;
  if (open === undefined || own === undefined) {
    if (other !== undefined) refuseDifference(file, other.open + 1);
    return undefined;
  }
  const odd = lines.findIndex((line, index) => index > open && index < own.close && ODD_LINE_END.test(line));
  if (odd >= 0) {
    refuse(
      file,
      odd + 1,
      "a character that ends a line for some tools and not for uv stands in the script block",
      {
        fix: "Write it as an escape, like \\u2028, or leave it out",
      },
    );
  }
  if (other?.open !== open || other.close !== own.close) refuseDifference(file, open + 1);
  return { toml: contentOf(lines.slice(open + 1, own.close)), line: open + 1 };
}

/** Lines that look like the opening of a script block, and are none. */
export function nearlyScriptBlocks(text: string, file: string): readonly Finding[] {
  return text.split("\n").flatMap((line, index): readonly Finding[] =>
    line.length < 200 && /^\s*#\s*\/\/\/\s*script\s*$/i.test(line) && line.replace(/\r$/, "") !== OPENING
      ? [{
        severity: "warning",
        rule: "script/not-a-block",
        message: `${JSON.stringify(line.slice(0, 60))} does not open a script block`,
        fix: `Write exactly "${OPENING}" at the start of the line, without blanks after it`,
        file,
        line: index + 1,
      }]
      : []
  );
}

interface Extent {
  /** Index of the opening line. */
  readonly open: number;
  /** Index of the closing line. */
  readonly close: number;
}

/** uv looks at the first place where the opening stands in the text, and nowhere else. */
function uvOpening(text: string, lines: readonly string[], file: string): number | undefined {
  const at = text.indexOf(OPENING);
  if (at < 0) return undefined;
  const index = text.slice(0, at).split("\n").length - 1;
  if (text[at - 1] === "\r") refuseDifference(file, index + 1);
  return lines[index] === OPENING ? index : undefined;
}

function uvBlock(lines: readonly string[], open: number, file: string): Extent {
  const end = endOfComment(lines, open + 1);
  const close = lines.lastIndexOf("# ///", end - 1);
  if (close > open) return { open, close };
  const almost = lines.slice(open + 1, end).findIndex((line) => line.startsWith("# ///"));
  if (almost >= 0) {
    refuse(file, open + almost + 2, "the line that closes the script block holds more than # ///", {
      fix: 'Write exactly "# ///", without blanks after it',
    });
  }
  return refuse(file, open + 1, "the script block is not closed", {
    fix: 'End it with a line "# ///"; every line of it is "#" alone or starts with "# "',
  });
}

/**
 * The closed blocks of type `script`, from top to bottom, without overlap: what the specification's expression matches,
 * and empty ones, which it does not.
 */
function scriptBlocks(lines: readonly string[]): readonly Extent[] {
  const found: Extent[] = [];
  for (let open = 0; open < lines.length; open++) {
    const line = lines[open] ?? "";
    if (!/^# \/\/\/ [a-zA-Z0-9-]+$/.test(line)) continue;
    const end = endOfComment(lines, open + 1);
    const close = lines.lastIndexOf("# ///", end - 1);
    if (close > open && line === OPENING) found.push({ open, close });
    // when it is not closed, no later line of the same comment can open a block either
    open = close > open ? close : end - 1;
  }
  return found;
}

/** Index after the last line, from `start` on, that may belong to a block. */
function endOfComment(lines: readonly string[], start: number): number {
  let end = start;
  while (end < lines.length && (lines[end] === "#" || lines[end]?.startsWith("# ") === true)) end++;
  return end;
}

function contentOf(lines: readonly string[]): string {
  return lines.map((line) => `${line.slice(2)}\n`).join("");
}

function refuseDifference(file: string, line: number): never {
  refuse(file, line, "uv and the specification disagree on where the script block is", {
    fix: `Keep one block, and no other mention of "${OPENING}" before it`,
  });
}

function refuse(file: string, line: number, message: string, { fix }: { readonly fix: string }): never {
  throw new SkillError("invalid_script", `${file} line ${line}: ${message}`, {
    fix,
    details: { file, line },
  });
}
