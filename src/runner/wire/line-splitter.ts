import { Buffer } from "node:buffer";

/** Cuts a byte stream at 0x0A, undecoded. Holds at most `maxBytes` and a chunk, however long a line gets. */
export class LineSplitter {
  readonly #maxBytes: number;
  #parts: Buffer[] = [];
  #size = 0;

  /** @param maxBytes of one line, without its newline */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Calls `onLine` for each whole line. False as soon as a line is too long: nothing after it can be trusted. */
  push(chunk: Buffer, onLine: (line: Buffer) => void): boolean {
    let from = 0;
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, from)) {
      const piece = chunk.subarray(from, at);
      if (this.#size + piece.length > this.#maxBytes) return this.#overflow();
      onLine(this.#size === 0 ? piece : this.#join(piece));
      from = at + 1;
    }
    if (from < chunk.length) {
      const rest = chunk.subarray(from);
      this.#size += rest.length;
      if (this.#size > this.#maxBytes) return this.#overflow();
      // A copy, so that a few bytes do not keep a pooled chunk of 64 KB alive.
      this.#parts.push(rest.length * 2 < chunk.length ? Buffer.from(rest) : rest);
    }
    return true;
  }

  /** What came after the last newline. */
  get rest(): Buffer {
    return Buffer.concat(this.#parts);
  }

  #join(last: Buffer): Buffer {
    const line = Buffer.concat([...this.#parts, last]);
    this.#parts = [];
    this.#size = 0;
    return line;
  }

  #overflow(): false {
    this.#parts = [];
    this.#size = 0;
    return false;
  }
}
