import type { PackageFiles } from "../lifecycle/packages/package-text.ts";

const CONTEXT = 3;
/** Above this many lines on either side of a change the whole is shown as replaced: finding the least edit costs the product. */
const MOST_LINES = 2_000;

interface Line {
  readonly sign: " " | "-" | "+";
  readonly text: string;
}

/** A unified diff of two sets of files, in the order of their names. Empty when nothing differs. */
export function diffFiles(before: PackageFiles, after: PackageFiles): string {
  const paths = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return paths.map((path) => diffFile(path, before[path], after[path])).join("");
}

function diffFile(path: string, before: string | undefined, after: string | undefined): string {
  if (before === after) return "";
  const lines = compare(split(before), split(after));
  const head = `--- ${before === undefined ? "/dev/null" : `a/${path}`}\n+++ ${
    after === undefined ? "/dev/null" : `b/${path}`
  }\n`;
  return head + hunks(lines);
}

function split(text: string | undefined): readonly string[] {
  if (text === undefined || text === "") return [];
  return (text.endsWith("\n") ? text.slice(0, -1) : text).split("\n");
}

function compare(before: readonly string[], after: readonly string[]): readonly Line[] {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start++;
  let end = 0;
  while (
    end < before.length - start && end < after.length - start && before.at(-1 - end) === after.at(-1 - end)
  ) end++;
  const kept = (text: string): Line => ({ sign: " ", text });
  return [
    ...before.slice(0, start).map(kept),
    ...middle(before.slice(start, before.length - end), after.slice(start, after.length - end)),
    ...before.slice(before.length - end).map(kept),
  ];
}

/** The least edit by the longest common subsequence. */
function middle(before: readonly string[], after: readonly string[]): readonly Line[] {
  const removed = (text: string): Line => ({ sign: "-", text });
  const added = (text: string): Line => ({ sign: "+", text });
  if (before.length > MOST_LINES || after.length > MOST_LINES) {
    return [...before.map(removed), ...after.map(added)];
  }
  const width = after.length + 1;
  const common = new Uint16Array((before.length + 1) * width);
  const at = (i: number, j: number): number => common[i * width + j] ?? 0;
  for (let i = before.length - 1; i >= 0; i--) {
    for (let j = after.length - 1; j >= 0; j--) {
      common[i * width + j] = before[i] === after[j]
        ? at(i + 1, j + 1) + 1
        : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const lines: Line[] = [];
  let i = 0, j = 0;
  while (i < before.length || j < after.length) {
    const old = before[i], fresh = after[j];
    if (old !== undefined && old === fresh) {
      lines.push({ sign: " ", text: old });
      i++;
      j++;
    } else if (old !== undefined && (fresh === undefined || at(i + 1, j) >= at(i, j + 1))) {
      lines.push(removed(old));
      i++;
    } else if (fresh !== undefined) {
      lines.push(added(fresh));
      j++;
    }
  }
  return lines;
}

/** Groups changes that stand nearer than two contexts and writes each group with its line numbers. */
function hunks(lines: readonly Line[]): string {
  const changed = lines.flatMap((line, index) => (line.sign === " " ? [] : [index]));
  let text = "";
  for (let first = 0; first < changed.length;) {
    let last = first;
    while (last + 1 < changed.length && (changed[last + 1] ?? 0) - (changed[last] ?? 0) <= 2 * CONTEXT + 1) {
      last++;
    }
    const from = Math.max(0, (changed[first] ?? 0) - CONTEXT);
    const to = Math.min(lines.length, (changed[last] ?? 0) + CONTEXT + 1);
    text += header(lines, from, to) +
      lines.slice(from, to).map((line) => `${line.sign}${line.text}\n`).join("");
    first = last + 1;
  }
  return text;
}

function header(lines: readonly Line[], from: number, to: number): string {
  const count = (part: readonly Line[], other: Line["sign"]): number =>
    part.filter((line) => line.sign !== other).length;
  const range = (other: Line["sign"]): string => {
    const length = count(lines.slice(from, to), other);
    return `${count(lines.slice(0, from), other) + (length === 0 ? 0 : 1)},${length}`;
  };
  return `@@ -${range("+")} +${range("-")} @@\n`;
}
