import { Buffer } from "node:buffer";

/**
 * Takes the marks of our serving loop out of what a process prints, however it is cut, and counts them. A mark begins
 * with a NUL.
 */
export class Marks {
  readonly #mark: Buffer;
  readonly #onBytes: (bytes: Buffer) => void;
  readonly #onMark: (() => void) | undefined;
  /** Perhaps the beginning of a mark. */
  #held: Buffer = Buffer.alloc(0);
  #seen = 0;
  readonly #waiting = new Set<{ readonly marks: number; readonly resolve: () => void }>();

  /** @param onBytes gets what stands between the marks, in order */
  constructor(mark: string, onBytes: (bytes: Buffer) => void, onMark?: () => void) {
    this.#mark = Buffer.from(mark);
    this.#onBytes = onBytes;
    this.#onMark = onMark;
  }

  /** How many so far. */
  get seen(): number {
    return this.#seen;
  }

  /** Takes bytes that the process printed. */
  push(chunk: Buffer): void {
    let rest = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    for (let at = rest.indexOf(this.#mark); at >= 0; at = rest.indexOf(this.#mark)) {
      this.#onBytes(rest.subarray(0, at));
      rest = rest.subarray(at + this.#mark.length);
      this.#seen++;
      this.#onMark?.();
    }
    const held = this.#startOfMark(rest);
    this.#onBytes(rest.subarray(0, held));
    this.#held = rest.subarray(held);
    for (const waiting of this.#waiting) if (this.#seen >= waiting.marks) waiting.resolve();
  }

  /** Gives out what was held back: it is no mark. */
  flush(): void {
    if (this.#held.length === 0) return;
    this.#onBytes(this.#held);
    this.#held = Buffer.alloc(0);
  }

  /** Waits until that many were seen: they come through another pipe than the answer that told of them. */
  async until(marks: number, timeoutMs: number): Promise<void> {
    if (this.#seen >= marks) return;
    await new Promise<void>((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.#waiting.delete(waiting);
        resolve();
      };
      const timer = setTimeout(end, timeoutMs), waiting = { marks, resolve: end };
      this.#waiting.add(waiting);
    });
  }

  /** Where, at the end of `bytes`, a mark may have begun; their length when none has. */
  #startOfMark(bytes: Buffer): number {
    let at = bytes.indexOf(0, Math.max(0, bytes.length - this.#mark.length + 1));
    while (at >= 0 && !bytes.subarray(at).equals(this.#mark.subarray(0, bytes.length - at))) {
      at = bytes.indexOf(0, at + 1);
    }
    return at < 0 ? bytes.length : at;
  }
}
