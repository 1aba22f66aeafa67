import type { Readable, Writable } from "node:stream";
import { Buffer } from "node:buffer";
import { SkillError } from "../base/errors.ts";
import { parseJson } from "../base/json.ts";
import { type Host, HOST_PROTOCOL, type HostAnswer } from "./host.ts";
import type { HostEvent } from "./host-event.ts";

/** Bytes of one request line. */
const MAX_LINE = 8 << 20;

/** Bytes that wait to be read, from which on events are left out. Answers never are. */
const MOST_UNREAD = 256 << 10;

/** Milliseconds that a program has to read its answers after the host was told to stop. */
const LAST_READ = 5000;

/**
 * Serves a host over JSON lines: one envelope a line in, one answer a line out, in the order in which they are ready,
 * and before an answer the events of its request; a program that does not read loses events. Resolves when the input
 * ends, nobody reads the answers any more, or `signal` ends, and the work that was begun is done.
 */
export async function serveHost(
  host: Host,
  input: Readable,
  output: Writable,
  signal?: AbortSignal,
): Promise<void> {
  const open = new Set<Promise<void>>();
  const stop = new AbortController();
  const hangUp = (): void => stop.abort();
  output.on("error", hangUp);
  signal?.addEventListener("abort", hangUp, { once: true });
  if (signal?.aborted === true) hangUp();
  try {
    for await (const line of lines(until(input, stop.signal))) {
      const work = respond(host, line, (event) => tell(output, event))
        .then((answer) => unlessStopped(write(output, answer), stop.signal));
      open.add(work);
      void work.finally(() => open.delete(work));
    }
  } finally {
    await Promise.all(open);
    signal?.removeEventListener("abort", hangUp);
    output.off("error", hangUp);
  }
}

/** What comes from a stream until it, or `signal`, ends. Destroying the stream alone would not do: on Deno a read that waits goes on waiting. */
async function* until(input: Readable, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const ended = { done: true, value: undefined } as const;
  const stopped = new Promise<typeof ended>((resolve) => {
    if (signal.aborted) resolve(ended);
    else signal.addEventListener("abort", () => resolve(ended), { once: true });
  });
  const parts = input[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  for (;;) {
    const next = parts.next();
    // when `stopped` is faster nobody waits for this one any more
    next.catch(() => {});
    const part = await Promise.race([stopped, next]);
    if (part.done === true) break;
    yield part.value;
  }
  if (signal.aborted) input.destroy();
}

async function respond(
  host: Host,
  line: Uint8Array | "too long",
  onEvent: (event: HostEvent) => void,
): Promise<HostAnswer> {
  try {
    if (line === "too long") {
      throw new SkillError("message_too_large", `a request line is longer than ${MAX_LINE} bytes`);
    }
    return await host.handle(parseJson(line, "the request line", { maxBytes: MAX_LINE }), onEvent);
  } catch (error) {
    const value = SkillError.from(error, "invalid_input", "the request line cannot be used").toValue();
    return { v: HOST_PROTOCOL, request_id: null, ok: false, error: value };
  }
}

function tell(output: Writable, event: HostEvent): void {
  if (output.writableLength < MOST_UNREAD) output.write(`${JSON.stringify(event)}\n`);
}

/** Waits for what was written to be read; after the stop only for a while. */
async function unlessStopped(written: Promise<void>, stop: AbortSignal): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let startWaiting = (): void => {};
  const late = new Promise<void>((resolve) => {
    startWaiting = () => void (timer = setTimeout(resolve, LAST_READ));
  });
  if (stop.aborted) startWaiting();
  else stop.addEventListener("abort", startWaiting, { once: true });
  try {
    await Promise.race([written, late]);
  } finally {
    stop.removeEventListener("abort", startWaiting);
    clearTimeout(timer);
  }
}

/** Resolves also when nobody reads any more: the output's own error event says that. */
async function write(output: Writable, answer: HostAnswer): Promise<void> {
  await new Promise<void>((resolve) => output.write(`${JSON.stringify(answer)}\n`, () => resolve()));
}

/** Lines split at the byte 0x0A; one that is too long is reported once and skipped, without keeping it in memory. */
async function* lines(input: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array | "too long"> {
  let parts: Buffer[] = [];
  let size = 0;
  for await (const data of input) {
    let chunk = Buffer.from(data);
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
