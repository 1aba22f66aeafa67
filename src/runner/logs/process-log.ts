import { Buffer } from "node:buffer";
import { Marks } from "./marks.ts";
import { PrintedText } from "./printed-text.ts";

/** What a process prints, by the call that it belongs to. Calls have the numbers of their requests. */
export interface CallLog {
  /** Marks of our serving loop seen so far. */
  readonly marks: number;
  /** Takes bytes that the process printed. */
  push(chunk: Buffer): void;
  /** Adds a line of another origin: a `log` notification, a skipped line. */
  note(line: string, call?: number): void;
  begin(call: number): void;
  /** What is kept of a call, bounded; without a call of the process. */
  text(call?: number): string;
  /** Nobody asks for this call any more. */
  end(call: number): void;
  /** Waits, not longer than `timeoutMs`, until that many marks were seen. */
  until(marks: number, timeoutMs: number): Promise<void>;
}

/** The log of a process that serves one call at a time: all that it prints belongs to the call that began last. */
export class ProcessLog implements CallLog {
  readonly #marks: Marks;
  readonly #printed: PrintedText;

  /** @param onText gets everything line by line */
  constructor(maxBytes: number, mark: string, onText?: (text: string) => void) {
    this.#printed = new PrintedText(maxBytes, onText);
    this.#marks = new Marks(mark, (bytes) => this.#printed.push(bytes));
  }

  get marks(): number {
    return this.#marks.seen;
  }

  push(chunk: Buffer): void {
    this.#marks.push(chunk);
  }

  note(line: string): void {
    this.#printed.push(Buffer.from(`${line}\n`));
  }

  begin(): void {
    this.#printed.restart();
  }

  text(): string {
    this.#marks.flush();
    return this.#printed.text();
  }

  end(): void {
    // Its text is told until the next call begins: also why the process died.
  }

  until(marks: number, timeoutMs: number): Promise<void> {
    return this.#marks.until(marks, timeoutMs);
  }
}
