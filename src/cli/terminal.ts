import process from "node:process";
import { styleText } from "node:util";
import type { Readable, Writable } from "node:stream";

/** A style that text can have on a terminal. */
export type Style = "bold" | "dim" | "green" | "red" | "yellow" | "cyan";

/** Where a command reads and writes. Colours, progress and questions exist only on a real terminal. */
export interface Terminal {
  readonly interactive: boolean;
  /** The result: stdout. */
  readonly print: (text: string) => void;
  /** Progress and messages: stderr. */
  readonly note: (text: string) => void;
  readonly style: (style: Style, text: string) => string;
  readonly stdin: Readable;
  readonly stdout: Writable;
  /** Ends when the person at the terminal wants what runs to end. */
  readonly signal: AbortSignal;
}

/** The terminal of this process. */
export function processTerminal(signal: AbortSignal): Terminal {
  const colours = process.stdout.isTTY && process.env["NO_COLOR"] === undefined;
  return {
    interactive: process.stdin.isTTY && process.stdout.isTTY && process.env["CI"] === undefined,
    print: (text) => void process.stdout.write(`${text}\n`),
    note: (text) => void process.stderr.write(`${text}\n`),
    style: (style, text) => (colours ? styleText(style, text, { validateStream: false }) : text),
    stdin: process.stdin,
    stdout: process.stdout,
    signal,
  };
}
