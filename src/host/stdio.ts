import type { Readable, Writable } from "node:stream";
import { Buffer } from "node:buffer";
import { SkillError } from "../base/errors.ts";
import { parseJson } from "../base/json.ts";
import { type Host, HOST_PROTOCOL, type HostAnswer } from "./host.ts";

/** Bytes of one request line. */
const MAX_LINE = 8 << 20;

/**
 * Serves a host over JSON lines: one envelope a line in, one answer a line out, in the order in which they are ready.
 * Resolves when the input ends, or nobody reads the answers any more, and the work that was begun is done.
 */
export async function serveHost(host: Host, input: Readable, output: Writable): Promise<void> {
  const open = new Set<Promise<void>>();
  const hangUp = (): void => void input.destroy();
  output.on("error", hangUp);
  try {
    for await (const line of lines(input)) {
      const work = respond(host, line).then((answer) => write(output, answer));
      open.add(work);
      void work.finally(() => open.delete(work));
    }
  } catch (error) {
    if (!input.destroyed) throw error;
  } finally {
    await Promise.all(open);
    output.off("error", hangUp);
  }
}

async function respond(host: Host, line: Uint8Array | "too long"): Promise<HostAnswer> {
  try {
    if (line === "too long") {
      throw new SkillError("message_too_large", `a request line is longer than ${MAX_LINE} bytes`);
    }
    return await host.handle(parseJson(line, "the request line", { maxBytes: MAX_LINE }));
  } catch (error) {
    const value = SkillError.from(error, "invalid_input", "the request line cannot be used").toValue();
    return { v: HOST_PROTOCOL, request_id: null, ok: false, error: value };
  }
}

/** Resolves also when nobody reads any more: the output's own error event says that. */
async function write(output: Writable, answer: HostAnswer): Promise<void> {
  await new Promise<void>((resolve) => output.write(`${JSON.stringify(answer)}\n`, () => resolve()));
}

/** Lines split at the byte 0x0A; one that is too long is reported once and skipped, without keeping it in memory. */
async function* lines(input: Readable): AsyncGenerator<Uint8Array | "too long"> {
  let parts: Buffer[] = [];
  let size = 0;
  for await (const data of input) {
    let chunk = Buffer.from(data as Uint8Array);
    for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a)) {
      const line = Buffer.concat([...parts, chunk.subarray(0, end)]);
      const tooLong = size + end > MAX_LINE;
      [parts, size, chunk] = [[], 0, chunk.subarray(end + 1)];
      if (tooLong) yield "too long";
      else if (!isBlank(line)) yield line;
    }
    size += chunk.length;
    if (size <= MAX_LINE) parts.push(chunk);
    else parts = [];
  }
  if (size > MAX_LINE) yield "too long";
  else if (!isBlank(Buffer.concat(parts))) yield Buffer.concat(parts);
}

/** Nothing but the white space of JSON. */
function isBlank(line: Uint8Array): boolean {
  return line.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d);
}
