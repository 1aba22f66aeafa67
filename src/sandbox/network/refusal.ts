import { Buffer } from "node:buffer";

/** Why the proxy does not do what was asked of it: told to the skill, so it holds nothing that the skill must not know. */
export class Refusal extends Error {
  readonly status: number;

  /** @param message one plain line; it is also the reason in the status line, which is all that some clients show */
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }

  /** The whole answer. */
  bytes(): Buffer {
    const body = `${this.message}\n`;
    return Buffer.from([
      `HTTP/1.1 ${this.status} ${this.message}`,
      "Content-Type: text/plain",
      `Content-Length: ${Buffer.byteLength(body)}`,
      "Connection: close",
      "",
      body,
    ].join("\r\n"));
  }
}
