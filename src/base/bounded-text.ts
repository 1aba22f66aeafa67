import type { Buffer } from "node:buffer";

/**
 * Keeps the beginning and the end of an output of any length: memory stays below the bound, what was left out is
 * counted. Bytes in, text out; invalid UTF-8 becomes U+FFFD.
 */
export class BoundedText {
  readonly #half: number;
  #head: Uint8Array[] = [];
  #headBytes = 0;
  #tail: Uint8Array[] = [];
  #tailBytes = 0;
  #total = 0;

  /** @param maxBytes how much is kept, half of it from the start and half from the end */
  constructor(maxBytes: number) {
    this.#half = Math.max(1, Math.floor(maxBytes / 2));
  }

  /** Bytes seen so far, kept or not. */
  get totalBytes(): number {
    return this.#total;
  }

  push(chunk: Uint8Array | Buffer): void {
    this.#total += chunk.byteLength;
    const room = this.#half - this.#headBytes;
    if (room > 0) {
      const first = Uint8Array.prototype.slice.call(chunk, 0, room);
      this.#head.push(first);
      this.#headBytes += first.byteLength;
    }
    const rest = Uint8Array.prototype.slice.call(chunk, Math.max(0, room), chunk.byteLength);
    if (rest.byteLength === 0) return;
    this.#tail.push(rest);
    this.#tailBytes += rest.byteLength;
    while (this.#tail.length > 1 && this.#tailBytes - (this.#tail[0]?.byteLength ?? 0) >= this.#half) {
      this.#tailBytes -= this.#tail.shift()?.byteLength ?? 0;
    }
  }

  toString(): string {
    const decoder = new TextDecoder();
    const head = decoder.decode(join(this.#head));
    const tailBytes = join(this.#tail);
    const tail = decoder.decode(tailBytes.slice(-this.#half));
    const omitted = this.#total - this.#headBytes - Math.min(tailBytes.byteLength, this.#half);
    return omitted > 0 ? `${head}\n… ${omitted} bytes left out …\n${tail}` : head + tail;
  }
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.byteLength;
  }
  return all;
}
