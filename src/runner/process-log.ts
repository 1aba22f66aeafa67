import { Buffer } from "node:buffer";
import { StringDecoder } from "node:string_decoder";
import { BoundedText } from "../base/bounded-text.ts";

/** An unfinished line longer than this is passed on as it is. */
const MAX_LINE = 8192;

/**
 * What a process prints: kept, bounded, for the call that runs; passed on line by line to who listens. Our serving
 * loop sets marks in it, which are taken out and counted.
 */
export class ProcessLog {
  readonly #maxBytes: number;
  readonly #mark: Buffer;
  readonly #onText: ((text: string) => void) | undefined;
  readonly #decoder = new StringDecoder("utf8");
  #kept: BoundedText;
  /** Perhaps the beginning of a mark. */
  #held: Buffer = Buffer.alloc(0);
  #unfinished = "";
  #marks = 0;
  #waiting: { readonly marks: number; readonly resolve: () => void } | undefined;

  /** @param mark begins with a NUL */
  constructor(maxBytes: number, mark: string, onText?: (text: string) => void) {
    this.#maxBytes = maxBytes;
    this.#mark = Buffer.from(mark);
    this.#onText = onText;
    this.#kept = new BoundedText(maxBytes);
  }

  /** Marks seen so far. */
  get marks(): number {
    return this.#marks;
  }

  /** Takes bytes that the process printed. */
  push(chunk: Buffer): void {
    let rest = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    for (let at = rest.indexOf(this.#mark); at >= 0; at = rest.indexOf(this.#mark)) {
      this.#keep(rest.subarray(0, at));
      rest = rest.subarray(at + this.#mark.length);
      this.#marks++;
    }
    const held = this.#startOfMark(rest);
    this.#keep(rest.subarray(0, held));
    this.#held = rest.subarray(held);
    if (this.#waiting !== undefined && this.#marks >= this.#waiting.marks) this.#waiting.resolve();
  }

  /** Adds a line of another origin: a `log` notification, a skipped line. */
  note(line: string): void {
    this.#keep(Buffer.from(`${line}\n`));
  }

  /** Starts anew, for the next call. */
  begin(): void {
    if (this.#kept.totalBytes > 0) this.#kept = new BoundedText(this.#maxBytes);
  }

  /** What is kept since `begin`, after an unfinished line was passed on. */
  text(): string {
    if (this.#held.length > 0) {
      this.#keep(this.#held);
      this.#held = Buffer.alloc(0);
    }
    if (this.#unfinished !== "") {
      this.#onText?.(this.#unfinished);
      this.#unfinished = "";
    }
    return this.#kept.totalBytes === 0 ? "" : this.#kept.toString();
  }

  /** Waits until that many marks were seen: they come through another pipe than the answer that told of them. */
  async until(marks: number, timeoutMs: number): Promise<void> {
    if (this.#marks >= marks) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#waiting = { marks, resolve: () => (clearTimeout(timer), resolve()) };
    });
    this.#waiting = undefined;
  }

  #keep(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#kept.push(bytes);
    if (this.#onText !== undefined) this.#pass(this.#decoder.write(bytes));
  }

  /** Where, at the end of `bytes`, a mark may have begun; their length when none has. */
  #startOfMark(bytes: Buffer): number {
    let at = bytes.indexOf(0, Math.max(0, bytes.length - this.#mark.length + 1));
    while (at >= 0 && !bytes.subarray(at).equals(this.#mark.subarray(0, bytes.length - at))) {
      at = bytes.indexOf(0, at + 1);
    }
    return at < 0 ? bytes.length : at;
  }

  #pass(text: string): void {
    const all = this.#unfinished + text;
    const end = all.length > MAX_LINE ? all.length : all.lastIndexOf("\n") + 1;
    this.#unfinished = all.slice(end);
    if (end > 0) this.#onText?.(all.slice(0, end));
  }
}
