import { Buffer } from "node:buffer";
import { PassThrough, Writable } from "node:stream";
import { expect, test, vi } from "vitest";
import type { HostEvent } from "../../src/host/host-event.ts";
import { createHost, type Host, type HostAnswer } from "../../src/host/host.ts";
import { serveHost } from "../../src/host/stdio.ts";

/** A host that answers with what it was asked. */
const echo: Host = {
  handle: (request) => Promise.resolve({ v: 1, request_id: null, ok: true, payload: request }),
};

/** Serves what the chunks hold, to the end, and gives the answers. */
async function served(chunks: readonly (string | Uint8Array)[], host: Host = echo): Promise<HostAnswer[]> {
  const input = new PassThrough(), output = new PassThrough();
  const done = serveHost(host, input, output).then(() => output.end());
  for (const chunk of chunks) input.write(chunk);
  input.end();
  const parts = await output.toArray() as Buffer[];
  await done;
  return Buffer.concat(parts).toString().split("\n").filter((line) => line !== "").map((line) =>
    JSON.parse(line) as HostAnswer
  );
}

const payloads = (answers: readonly HostAnswer[]) =>
  answers.map((one) => (one.ok ? one.payload : one.error.code));

test("serveHost answers each line when one write holds several and one line comes in several", async () => {
  expect(payloads(await served(['{"a":1}\n{"a":2}\n{"a"', ":", "3}\n"]))).toEqual([{ a: 1 }, { a: 2 }, {
    a: 3,
  }]);
});

test("serveHost splits at the line feed alone, and between the bytes of a character", async () => {
  const text = `{"a":"é\u2028\u0085 ✓"}\r\n`;
  const bytes = Buffer.from(text);
  const single = [...bytes].map((byte) => Buffer.from([byte]));
  expect(payloads(await served(single))).toEqual([{ a: "é\u2028\u0085 ✓" }]);
});

test("serveHost answers a last line that is not ended, and passes over blank ones", async () => {
  expect(payloads(await served(["\n \r\n\t\n", '{"a":1}']))).toEqual([{ a: 1 }]);
  expect(await served([])).toEqual([]);
});

test("serveHost answers what cannot be used and goes on", async () => {
  const answers = await served([
    "{no json}\n",
    Buffer.from([0x22, 0xff, 0x22, 0x0a]),
    `${"[".repeat(100)}${"]".repeat(100)}\n`,
    '{"a":1}\n',
  ]);
  expect(payloads(answers)).toEqual(["invalid_input", "invalid_input", "invalid_input", { a: 1 }]);
  expect(answers.slice(0, 3).every(({ request_id }) => request_id === null)).toBe(true);
});

test("serveHost answers a line that is too long once, and the one behind it", async () => {
  const part = "x".repeat(1 << 20);
  const endless = Array.from({ length: 12 }, () => part);
  expect(payloads(await served(['"', ...endless, '"\n{"a":1}\n']))).toEqual(["message_too_large", { a: 1 }]);
  expect(payloads(await served(endless))).toEqual(["message_too_large"]);
  expect(payloads(await served([`"${"x".repeat(1 << 20)}"\n`]))).toEqual(["x".repeat(1 << 20)]);
});

test("serveHost answers in the order in which answers are ready", async () => {
  let open = (): void => {};
  const gate = new Promise<void>((resolve) => (open = resolve));
  const host: Host = {
    async handle(request) {
      if (request === "slow") await gate;
      else open();
      return { v: 1, request_id: null, ok: true, payload: request };
    },
  };
  expect(payloads(await served(['"slow"\n"fast"\n'], host))).toEqual(["fast", "slow"]);
});

test("serveHost ends when nobody reads the answers any more", async () => {
  const input = new PassThrough();
  const output = new Writable({ write: (_chunk, _encoding, done) => done(new Error("EPIPE")) });
  const done = serveHost(echo, input, output);
  input.write('{"a":1}\n{"a":2}\n');
  await done;
  expect(input.destroyed).toBe(true);
});

/** A host that tells a lot before and after its answer. */
const talkative = (count: number): Host => ({
  handle(_request, onEvent) {
    const event = { kind: "turn", stage: "generate", status: "started", detail: "x".repeat(200) } as const;
    for (let at = 0; at < count; at++) onEvent?.({ v: 1, request_id: "1", event: { ...event, round: at } });
    return Promise.resolve({ v: 1, request_id: "1", ok: true, payload: "done" });
  },
});

test("serveHost writes events in order, all of them before the answer", async () => {
  const lines = await served(["{}\n"], talkative(500)) as readonly (HostEvent | HostAnswer)[];
  expect(lines.map((line) => ("event" in line ? line.event.round : line.ok))).toEqual([
    ...Array.from({ length: 500 }, (_, at) => at),
    true,
  ]);
});

test("serveHost leaves events out, and never answers, while nobody reads", async () => {
  const input = new PassThrough();
  const taken: (() => void)[] = [];
  let text = "";
  const output = new Writable({
    write(chunk: Uint8Array, _encoding, done) {
      text += Buffer.from(chunk).toString();
      taken.push(done);
    },
  });
  const done = serveHost(talkative(20_000), input, output);
  input.end("{}\n{}\n");
  await expect.poll(() => output.writableLength).toBeGreaterThan(256 << 10);
  expect(output.writableLength).toBeLessThan(300 << 10);
  while (output.writableLength > 0) {
    taken.shift()?.();
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  await done;
  expect(text.match(/"payload":"done"/g)).toHaveLength(2);
});

test("serveHost ends a while after it was told to stop although nobody reads", async () => {
  const input = new PassThrough(), stop = new AbortController();
  const output = new Writable({ write: () => {} });
  const done = serveHost(echo, input, output, stop.signal);
  input.write('{"a":1}\n');
  await expect.poll(() => output.writableLength).toBeGreaterThan(0);
  vi.useFakeTimers({ toFake: ["setTimeout"] });
  stop.abort();
  await vi.advanceTimersByTimeAsync(5000);
  vi.useRealTimers();
  await done;
  expect(input.destroyed).toBe(true);
});

test("createHost tells events plain and short, and none behind the answer", async () => {
  let tellLate = (): void => {};
  const library = {
    install(_folder: string, { onStage }: { onStage: (detail: string) => void }) {
      tellLate = () => onStage("late");
      onStage(`\u001b[2J${"x".repeat(5000)}`);
      return Promise.resolve({});
    },
  };
  const context = { skills: { library }, actor: { via: "host" } } as unknown as Parameters<
    typeof createHost
  >[0];
  const events: HostEvent[] = [];
  const request = { v: 1, request_id: 7, command: "skill.install", payload: { package_dir: "a" } };
  const host = createHost(context);
  await host.handle(request, (event) => events.push(event));
  expect(events).toEqual([]);
  await host.handle({ ...request, events: true }, (event) => events.push(event));
  tellLate();
  const event = { kind: "stage", stage: "install", status: "started", detail: expect.any(String) };
  expect(events).toEqual([{ v: 1, request_id: 7, event }]);
  expect(events[0]?.event.detail).toMatch(/^\\u001b\[2Jx+…$/);
  expect(events[0]?.event.detail).toHaveLength(300);
});
