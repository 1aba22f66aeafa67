import { clearTimeout, setTimeout } from "node:timers";
import { SkillError } from "../../base/errors.ts";
import type { CallResult } from "../../runner/types.ts";
import { appendLog, logLines, type LogPlace, slotLogPath } from "../records/slot-log.ts";
import type { HomeLayout } from "../storage/home-layout.ts";

const DELAY_MS = 1000;
/** Characters that wait to be written: at the first the log is written at once, past the second nothing is taken. */
const SOON = 256 * 1024, MOST_WAITING = 4 << 20;
/** Characters of what one run printed, of its end. */
const MOST_PRINTED = 16 * 1024;
const MOST_MESSAGE = 2000;
const PRINTED = "  | ";
/** Characters of a line without what is said on it. */
const LINE = 50;

/** What a run ended with. */
export type RunEnd = { readonly result: CallResult } | { readonly error: unknown };

/** What is kept of a run until it is written. */
interface Note {
  readonly at: number;
  readonly tool: string;
  readonly how: string;
  readonly wall_ms: number;
  readonly printed: string;
}

/**
 * `run.log` of each slot: how each run ended and what it printed, never what it was given or answered. Written in
 * batches, so that a call does not wait for it; what can't be written is dropped.
 */
export class RunLog {
  readonly #layout: HomeLayout;
  #waiting = new Map<LogPlace, Note[]>();
  #characters = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #flushing: Promise<void> = Promise.resolve();

  constructor(layout: HomeLayout) {
    this.#layout = layout;
  }

  /** Takes a note. Returns at once: lines are made of it when they are written. */
  add(place: LogPlace, tool: string, wall_ms: number, end: RunEnd): void {
    if (this.#characters > MOST_WAITING) return;
    const note = noteOf(tool, wall_ms, end);
    const known = this.#waiting.get(place);
    if (known === undefined) this.#waiting.set(place, [note]);
    else known.push(note);
    this.#characters += LINE + note.how.length + note.printed.length;
    if (this.#characters > SOON) void this.flush();
    else this.#timer ??= setTimeout(() => void this.flush(), DELAY_MS).unref();
  }

  /** Writes what waits. Never throws. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    return this.#flushing = this.#flushing.then(() => this.#write());
  }

  async #write(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = new Map();
    this.#characters = 0;
    for (const [place, notes] of waiting) {
      // The folder is not made: without it the skill is gone.
      await appendLog(slotLogPath(this.#layout, place, "run"), notes.map(linesOf).join("")).catch(() => {});
    }
  }
}

function noteOf(tool: string, wall_ms: number, end: RunEnd): Note {
  const [how, printed] = "result" in end
    ? ["ok", end.result.logs]
    : [`failed: ${reason(end.error)}`, printedBefore(end.error)];
  return { at: Date.now(), tool, how, wall_ms, printed: printed.trimEnd().slice(-MOST_PRINTED) };
}

/** What was printed is set off, so that it can't pass for another run. */
function linesOf({ at, tool, how, wall_ms, printed }: Note): string {
  const rows = printed.trim() === "" ? [] : printed.split("\n");
  const ended = `${tool} ${how} (${wall_ms.toFixed(1)} ms)`;
  return logLines([ended, ...rows.map((row) => `${PRINTED}${row}`)].join("\n"), new Date(at));
}

function reason(error: unknown): string {
  const { code, message } = SkillError.from(error, "tool_failed", "it failed");
  return `${code}: ${message.slice(0, MOST_MESSAGE).replaceAll("\n", `\n${PRINTED}`)}`;
}

function printedBefore(error: unknown): string {
  const logs = SkillError.isInstance(error) ? error.details?.["logs"] : undefined;
  return typeof logs === "string" ? logs : "";
}
