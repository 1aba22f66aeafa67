import { Buffer } from "node:buffer";
import { BoundedText } from "../../base/bounded-text.ts";
import { Marks } from "./marks.ts";
import { PrintedText } from "./printed-text.ts";
import type { CallLog } from "./process-log.ts";

/** Digits of a call's number behind a mark. */
const MAX_DIGITS = 16;

/**
 * The log of a process that serves several calls at a time. Behind each mark stands the number of the call to which
 * the text after it belongs, and a NUL; 0 is nobody's. What belongs to no call is in the process's text only.
 */
export class OverlappingLog implements CallLog {
  readonly #maxBytes: number;
  readonly #marks: Marks;
  readonly #all: PrintedText;
  readonly #calls = new Map<number, BoundedText>();
  #owner = 0;
  /** Digits seen behind the last mark; undefined once they are complete. */
  #digits: string | undefined;

  constructor(maxBytes: number, mark: string, onText?: (text: string) => void) {
    this.#maxBytes = maxBytes;
    this.#all = new PrintedText(maxBytes, onText);
    this.#marks = new Marks(mark, (bytes) => this.#bytes(bytes), () => void (this.#digits = ""));
  }

  get marks(): number {
    return this.#marks.seen;
  }

  push(chunk: Buffer): void {
    this.#marks.push(chunk);
  }

  note(line: string, call: number = 0): void {
    this.#keep(Buffer.from(`${line}\n`), call);
  }

  begin(call: number): void {
    this.#calls.set(call, new BoundedText(this.#maxBytes));
  }

  text(call?: number): string {
    this.#marks.flush();
    return call === undefined ? this.#all.text() : this.#calls.get(call)?.toString() ?? "";
  }

  end(call: number): void {
    this.#calls.delete(call);
  }

  until(marks: number, timeoutMs: number): Promise<void> {
    return this.#marks.until(marks, timeoutMs);
  }

  #bytes(bytes: Buffer): void {
    const text = this.#digits === undefined ? bytes : this.#readOwner(bytes, this.#digits);
    this.#keep(text, this.#owner);
  }

  /** Reads the number behind a mark, and answers what follows it. */
  #readOwner(bytes: Buffer, before: string): Buffer {
    const end = bytes.indexOf(0);
    const digits = before + bytes.toString("latin1", 0, end < 0 ? bytes.length : end);
    if (end < 0 && digits.length <= MAX_DIGITS) {
      this.#digits = digits;
      return bytes.subarray(bytes.length);
    }
    this.#digits = undefined;
    this.#owner = /^\d{1,16}$/.test(digits) ? Number(digits) : 0;
    return bytes.subarray(end + 1);
  }

  #keep(bytes: Buffer, call: number): void {
    if (bytes.length === 0) return;
    this.#all.push(bytes);
    this.#calls.get(call)?.push(bytes);
  }
}
