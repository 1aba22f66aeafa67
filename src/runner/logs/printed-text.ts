import type { Buffer } from "node:buffer";
import { StringDecoder } from "node:string_decoder";
import { BoundedText } from "../../base/bounded-text.ts";

/** An unfinished line longer than this is passed on as it is. */
const MAX_LINE = 8192;

/** Printed bytes: kept, bounded; passed on line by line to who listens. */
export class PrintedText {
  readonly #maxBytes: number;
  readonly #onText: ((text: string) => void) | undefined;
  readonly #decoder = new StringDecoder("utf8");
  #kept: BoundedText;
  #unfinished = "";

  constructor(maxBytes: number, onText?: (text: string) => void) {
    this.#maxBytes = maxBytes;
    this.#onText = onText;
    this.#kept = new BoundedText(maxBytes);
  }

  push(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#kept.push(bytes);
    if (this.#onText !== undefined) this.#pass(this.#decoder.write(bytes));
  }

  /** Forgets what is kept. */
  restart(): void {
    if (this.#kept.totalBytes > 0) this.#kept = new BoundedText(this.#maxBytes);
  }

  /** What is kept, after an unfinished line was passed on. */
  text(): string {
    if (this.#unfinished !== "") {
      this.#onText?.(this.#unfinished);
      this.#unfinished = "";
    }
    return this.#kept.totalBytes === 0 ? "" : this.#kept.toString();
  }

  #pass(text: string): void {
    const all = this.#unfinished + text;
    const end = all.length > MAX_LINE ? all.length : all.lastIndexOf("\n") + 1;
    this.#unfinished = all.slice(end);
    if (end > 0) this.#onText?.(all.slice(0, end));
  }
}
