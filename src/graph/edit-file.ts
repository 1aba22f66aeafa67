import { SkillError } from "../base/errors.ts";
import { nearest } from "../base/nearest.ts";

/** Lines around the place that a hunk names, in which it is looked for. */
const DRIFT = 200;

/**
 * The text with one passage replaced.
 *
 * @throws {SkillError} `invalid_input` when `old` is empty, not there, or there more than once; the message shows what
 * comes nearest, or where it stands
 */
export function replaceOnce(text: string, old: string, fresh: string): string {
  if (old === "") {
    throw refused("old is empty", "give the exact text to replace; write_skill_file writes a whole file");
  }
  const at = text.indexOf(old);
  if (at < 0) throw notThere(text, old);
  const second = text.indexOf(old, at + 1);
  if (second < 0) return text.slice(0, at) + fresh + text.slice(at + old.length);
  throw refused(
    `old stands there more than once, in lines ${lineAt(text, at)} and ${lineAt(text, second)}`,
    "give more of the lines around it, so that it stands there once",
  );
}

/**
 * The text changed by a unified diff of one file. Context and removed lines must be there letter for letter; a hunk may
 * stand some lines off the place that its header names.
 *
 * @throws {SkillError} `invalid_input` naming the hunk and the first line that is not there; nothing is changed then
 */
export function applyDiff(text: string, diff: string): string {
  const ended = text === "" || text.endsWith("\n");
  const lines = text === "" ? [] : (ended ? text.slice(0, -1) : text).split("\n");
  let moved = 0;
  for (const [index, hunk] of readHunks(diff).entries()) {
    const { start, before, after } = hunk;
    // what removes nothing names the line that it follows
    const wanted = before.length === 0 ? start : start - 1;
    const at = findHunk(lines, hunk, wanted + moved, index + 1);
    lines.splice(at, before.length, ...after);
    moved = at - wanted + after.length - before.length;
  }
  return lines.length === 0 ? "" : lines.join("\n") + (ended ? "\n" : "");
}

interface Hunk {
  /** Line of the old text, from 1; 0 before the first. */
  readonly start: number;
  readonly before: readonly string[];
  readonly after: readonly string[];
}

function readHunks(diff: string): readonly Hunk[] {
  const hunks: { start: number; before: string[]; after: string[] }[] = [];
  const lines = diff.replaceAll("\r\n", "\n").replace(/\n$/, "").split("\n");
  for (const line of lines) {
    const header = /^@@ -(\d+)(?:,\d+)? \+\d+(?:,\d+)? @@/.exec(line);
    const hunk = hunks.at(-1);
    if (header !== null) hunks.push({ start: Number(header[1]), before: [], after: [] });
    else if (hunk !== undefined && !line.startsWith("\\")) addLine(hunk, line);
  }
  if (hunks.length > 0) return hunks;
  throw refused("the diff has no hunk", 'begin each with a line like "@@ -3,4 +3,5 @@", or give old and new');
}

function addLine(hunk: { before: string[]; after: string[] }, line: string): void {
  const rest = line.slice(1);
  switch (line.charAt(0)) {
    case "-":
      hunk.before.push(rest);
      break;
    case "+":
      hunk.after.push(rest);
      break;
    case " ":
    case "": // an empty line of context whose blank was lost
      hunk.before.push(rest);
      hunk.after.push(rest);
      break;
    default:
      throw refused(
        `the diff has the line ${quoted(line)}`,
        'begin each line of a hunk with " ", "-" or "+"',
      );
  }
}

/** Where a hunk fits, as near as can be to where it says. */
function findHunk(lines: readonly string[], { before }: Hunk, wanted: number, number: number): number {
  const fits = (at: number): boolean => before.every((line, index) => lines[at + index] === line);
  if (before.length === 0) return Math.min(Math.max(0, wanted), lines.length);
  for (let off = 0; off <= DRIFT; off++) {
    for (const at of [wanted - off, wanted + off]) if (at >= 0 && fits(at)) return at;
  }
  const strange = before.find((line) => !lines.includes(line));
  throw refused(
    strange === undefined
      ? `hunk ${number} does not fit: its lines are there, but not one after the other`
      : `hunk ${number} does not fit: the file has no line ${quoted(strange)}${nearLine(lines, strange)}`,
    "read the file and give its lines letter for letter, blanks included",
  );
}

function notThere(text: string, old: string): SkillError {
  const lines = text.split("\n");
  const wanted = old.split("\n"), last = wanted.length - 1;
  // the first may be the end of a line, and the last its beginning
  const stands = (line: string, index: number): boolean =>
    lines.some((one) =>
      last === 0
        ? one.includes(line)
        : index === 0
        ? one.endsWith(line)
        : index === last
        ? one.startsWith(line)
        : one === line
    );
  const strange = wanted.find((line, index) => !stands(line, index));
  const what = strange === undefined
    ? "its lines are there, but not one after the other"
    : `the file has no ${quoted(strange)}${nearLine(lines, strange)}`;
  return refused(
    `old does not stand in the file: ${what}`,
    "read the file and give the text letter for letter, blanks included",
  );
}

function nearLine(lines: readonly string[], strange: string): string {
  const same = lines.findIndex((line) => line.trim() === strange.trim());
  if (same >= 0) return `; line ${same + 1} differs in its blanks only: ${quoted(lines[same] ?? "")}`;
  const near = nearest(
    strange.trim().slice(0, 200),
    lines.slice(0, 2_000).map((line) => line.trim().slice(0, 200)),
  );
  return near === undefined ? "" : `; the nearest is ${quoted(near)}`;
}

function lineAt(text: string, index: number): number {
  return text.slice(0, index).split("\n").length;
}

function quoted(line: string): string {
  return JSON.stringify(line.length > 160 ? `${line.slice(0, 160)}…` : line);
}

function refused(message: string, fix: string): SkillError {
  return new SkillError("invalid_input", message, { fix });
}
