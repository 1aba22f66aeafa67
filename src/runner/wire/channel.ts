import { Buffer } from "node:buffer";
import { SkillError } from "../../base/errors.ts";
import type { Json } from "../../base/json.ts";
import { LineSplitter } from "./line-splitter.ts";
import { type AnswerExtra, type Incoming, readMessage, WIRE_CODES, type WireError } from "./wire.ts";

/** What a channel is connected to. */
export interface ChannelOptions {
  /** Takes the bytes of one message, newline included. */
  readonly write: (bytes: Buffer) => void;
  /** Bytes of one message in either direction, without its newline. Default 102,400. */
  readonly maxMessageBytes?: number;
  /** Nesting of an incoming message. Default 64. */
  readonly maxDepth?: number;
  /** Bytes of noise, notifications and requests between two answers. Default 1 MiB. */
  readonly maxStrayBytes?: number;
  readonly onNotification?: (method: string, params: Json) => void;
  /** A line that was skipped, and why. */
  readonly onNoise?: (line: string, reason: string) => void;
  /** The other side can no longer be trusted; the channel has closed with this error. The owner ends the process. */
  readonly onFault?: (error: SkillError) => void;
}

/** What came back for a request: a result, or the error object that the other side sent. */
export type Answer =
  & { readonly extra: AnswerExtra }
  & ({ readonly result: Json } | { readonly error: WireError });

interface Pending {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: SkillError) => void;
}

/** Longest part of a bad line that is quoted. */
const QUOTED = 200;

/**
 * JSON-RPC 2.0, one message a line, over any bytes in and bytes out. Knows no process. Nothing that comes in throws:
 * it answers a request, is skipped as noise, or closes the channel. Once closed it stays closed, for one reason.
 */
export class Channel {
  readonly #options: ChannelOptions;
  readonly #maxMessageBytes: number;
  readonly #maxDepth: number;
  readonly #maxStrayBytes: number;
  readonly #splitter: LineSplitter;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  #strayBytes = 0;
  #closed: SkillError | undefined;

  constructor(options: ChannelOptions) {
    this.#options = options;
    this.#maxMessageBytes = options.maxMessageBytes ?? 102_400;
    this.#maxDepth = options.maxDepth ?? 64;
    this.#maxStrayBytes = options.maxStrayBytes ?? 1 << 20;
    this.#splitter = new LineSplitter(this.#maxMessageBytes);
  }

  /** Why the channel is closed, once it is. */
  get closeReason(): SkillError | undefined {
    return this.#closed;
  }

  /** Requests without an answer. */
  get pending(): number {
    return this.#pending.size;
  }

  /** The id that the next request gets. */
  get nextId(): number {
    return this.#nextId;
  }

  /**
   * Sends a request. It ends with its answer, or when the channel closes: deadlines are the caller's.
   *
   * @throws {SkillError} `protocol_error` for an answer that is broken; `message_too_large` before anything was sent;
   * the close reason
   */
  request(method: string, params: Json): Promise<Answer> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    const id = this.#nextId++;
    const bytes = Buffer.from(`${JSON.stringify({ jsonrpc: "2.0", id, method, params })}\n`);
    if (bytes.length - 1 > this.#maxMessageBytes) {
      return Promise.reject(this.#tooLong("the request", bytes.length - 1));
    }
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#options.write(bytes);
    });
  }

  /** Tells the other side something that it does not answer. One that is too long is not sent. */
  notify(method: string, params: Json): void {
    const bytes = Buffer.from(`${JSON.stringify({ jsonrpc: "2.0", method, params })}\n`);
    if (this.#closed === undefined && bytes.length - 1 <= this.#maxMessageBytes) this.#options.write(bytes);
  }

  /** Takes bytes from the other side, in any chunking. */
  push(chunk: Uint8Array): void {
    if (this.#closed !== undefined) return;
    const bytes = Buffer.isBuffer(chunk)
      ? chunk
      : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const fits = this.#splitter.push(bytes, (line) => this.#line(line));
    if (!fits) this.#fault(this.#tooLong("a line from the skill"));
  }

  /** Settles what is pending with `reason`. The first reason stays. */
  close(reason: SkillError): void {
    this.#closed ??= reason;
    this.#rejectAll(this.#closed);
  }

  #line(line: Buffer): void {
    if (this.#closed !== undefined || line.length === 0 || (line.length === 1 && line[0] === 0x0d)) return;
    const message = readMessage(line, this.#maxDepth);
    if (message.kind === "result" || message.kind === "error") {
      this.#answer(message, line);
      return;
    }
    this.#strayBytes += line.length;
    if (this.#strayBytes > this.#maxStrayBytes) {
      const text =
        `the skill wrote ${this.#strayBytes} bytes that are no answer, the limit is ${this.#maxStrayBytes}`;
      this.#fault(new SkillError("limit_exceeded", text, { details: { limit: "output" } }));
      return;
    }
    this.#stray(message, line);
  }

  #answer(message: Extract<Incoming, { kind: "result" | "error" }>, line: Buffer): void {
    const pending = this.#pending.get(message.id);
    if (pending === undefined) {
      this.#noise(line, `an answer to request ${message.id}, which is not open`);
      return;
    }
    this.#pending.delete(message.id);
    this.#strayBytes = 0;
    pending.resolve(message);
  }

  #stray(message: Exclude<Incoming, { kind: "result" | "error" }>, line: Buffer): void {
    switch (message.kind) {
      case "notification":
        this.#options.onNotification?.(message.method, message.params);
        return;
      case "request":
        this.#refuse(message.id, message.method);
        return;
      case "noise":
        this.#noise(line, message.reason);
        return;
      case "broken":
        this.#broken(message, line);
    }
  }

  /**
   * A broken answer fails the request it names. One that names none fails the only one that is open; with several
   * open nobody can say which of them waits in vain.
   */
  #broken(message: Extract<Incoming, { kind: "broken" }>, line: Buffer): void {
    this.#noise(line, message.reason);
    const error = new SkillError("protocol_error", `the skill's answer is not JSON-RPC: ${message.reason}`, {
      fix:
        'answer each request with one line of JSON: {"jsonrpc": "2.0", "id": <the request\'s>, "result": …}; NaN and Infinity are not JSON',
      details: { line: quote(line) },
    });
    if (message.id === undefined) {
      if (this.#pending.size > 1) this.#fault(error);
      else this.#rejectAll(error);
      return;
    }
    this.#pending.get(message.id)?.reject(error);
    this.#pending.delete(message.id);
  }

  #refuse(id: string | number, method: string): void {
    const error = {
      code: WIRE_CODES.methodNotFound,
      message: `the host has no method ${method.slice(0, 100)}`,
    };
    this.#options.write(Buffer.from(`${JSON.stringify({ jsonrpc: "2.0", id, error })}\n`));
  }

  #noise(line: Buffer, reason: string): void {
    this.#options.onNoise?.(line.toString("utf8"), reason);
  }

  #fault(error: SkillError): void {
    this.close(error);
    this.#options.onFault?.(error);
  }

  #rejectAll(error: SkillError): void {
    const open = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of open) reject(error);
  }

  #tooLong(what: string, size?: number): SkillError {
    const found = size === undefined ? "longer than" : `${size} bytes long, over`;
    return new SkillError(
      "message_too_large",
      `${what} is ${found} the limit of ${this.#maxMessageBytes} bytes`,
      {
        fix: "pass large data as files: `in/` and `out/` in the working directory",
        details: { max_bytes: this.#maxMessageBytes, ...(size === undefined ? { limit: "output" } : {}) },
      },
    );
  }
}

function quote(line: Buffer): string {
  return line.toString("utf8", 0, QUOTED);
}
