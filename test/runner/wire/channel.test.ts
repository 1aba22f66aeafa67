import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SkillError } from "../../../src/base/errors.ts";
import { Channel, type ChannelOptions } from "../../../src/runner/wire/channel.ts";
import { tries } from "../../torture.ts";

interface Wired {
  readonly channel: Channel;
  readonly sent: string[];
  readonly noise: string[];
  readonly notifications: string[];
  readonly faults: SkillError[];
  readonly receive: (text: string) => void;
}

function wire(options: Partial<ChannelOptions> = {}): Wired {
  const sent: string[] = [], noise: string[] = [], notifications: string[] = [], faults: SkillError[] = [];
  const channel = new Channel({
    write: (bytes) => void sent.push(bytes.toString("utf8")),
    onNoise: (line) => void noise.push(line),
    onNotification: (method) => void notifications.push(method),
    onFault: (error) => void faults.push(error),
    ...options,
  });
  return { channel, sent, noise, notifications, faults, receive: (text) => channel.push(Buffer.from(text)) };
}

/** The settled outcome of a promise: its value, or the code of its error. */
async function outcome(promise: Promise<unknown>): Promise<unknown> {
  return await promise.catch((error: unknown) => SkillError.isInstance(error) ? error.code : error);
}

describe("Channel", () => {
  test("request sends one line and resolves with the answer of its id", async () => {
    const { channel, sent, receive } = wire();
    const first = channel.request("invoke", { a: "\n" });
    const second = channel.request("invoke", {});
    expect(sent).toEqual([
      '{"jsonrpc":"2.0","id":1,"method":"invoke","params":{"a":"\\n"}}\n',
      '{"jsonrpc":"2.0","id":2,"method":"invoke","params":{}}\n',
    ]);
    receive('{"jsonrpc":"2.0","id":2,"result":"two"}\n{"jsonrpc":"2.0","id":1,');
    receive('"error":{"code":-1,"message":"no"}}\n');
    expect(await second).toMatchObject({ result: "two" });
    expect(await first).toMatchObject({ error: { code: -1, message: "no" } });
    expect(channel.pending).toBe(0);
  });

  test("skips noise, two answers for one id and answers to nothing, and still answers", async () => {
    const { channel, noise, receive } = wire();
    const answer = channel.request("invoke", {});
    receive('Loading…\n\n\r\n{"jsonrpc":"2.0","id":9,"result":0}\n{"jsonrpc":"2.0","id":1,"result":1}\r\n');
    receive('{"jsonrpc":"2.0","id":1,"result":2}\n');
    expect(await answer).toMatchObject({ result: 1 });
    expect(noise).toHaveLength(3);
  });

  test("a broken answer fails the request that it names and no other", async () => {
    const { channel, receive } = wire();
    const [first, second] = [channel.request("a", {}), channel.request("b", {})];
    receive(
      '{"jsonrpc":"2.0","id":1,"result":1,"error":{"code":1,"message":""}}\n{"jsonrpc":"2.0","id":2,"result":2}\n',
    );
    expect(await outcome(first)).toBe("protocol_error");
    expect(await second).toMatchObject({ result: 2 });
  });

  test("a broken answer that names no request fails what is pending, and the channel stays open", async () => {
    const { channel, receive } = wire();
    const first = channel.request("a", {});
    receive('{"jsonrpc":"2.0","id":1,"result":NaN}\n');
    await expect(first).rejects.toMatchObject({ code: "protocol_error", details: { line: /NaN/ } });
    const second = channel.request("a", {});
    receive('{"jsonrpc":"2.0","id":2,"result":1}\n');
    expect(await second).toMatchObject({ result: 1 });
  });

  test("answers a request of the other side with method not found and does nothing else", () => {
    const { sent, receive } = wire();
    receive('{"jsonrpc":"2.0","id":"x","method":"exec","params":{}}\n');
    expect(JSON.parse(sent[0] ?? "")).toMatchObject({ id: "x", error: { code: -32601 } });
  });

  test("tells of a notification and answers it by nothing", () => {
    const { sent, notifications, receive } = wire();
    receive('{"jsonrpc":"2.0","method":"progress","params":{}}\n');
    expect(notifications).toEqual(["progress"]);
    expect(sent).toEqual([]);
  });

  test("accepts a line of exactly the limit and closes at one byte more", async () => {
    const line = (bytes: number) => {
      const frame = '{"jsonrpc":"2.0","id":1,"result":""}';
      return frame.replace('""', `"${"x".repeat(bytes - frame.length)}"`);
    };
    for (const cut of [0, 1, 500, 1000]) {
      const { channel, faults, receive } = wire({ maxMessageBytes: 1000 });
      const answer = channel.request("a", {});
      receive(line(1000).slice(0, cut));
      receive(`${line(1000).slice(cut)}\n`);
      expect(await answer).toHaveProperty("result");
      receive(line(1001).slice(0, cut));
      receive(line(1001).slice(cut));
      expect(faults[0]?.code).toBe("message_too_large");
      expect(await outcome(channel.request("a", {}))).toBe("message_too_large");
    }
  });

  test("refuses to send what is over the limit, and sends nothing of it", async () => {
    const { channel, sent } = wire({ maxMessageBytes: 1000 });
    expect(await outcome(channel.request("a", "é".repeat(480)))).toBe("message_too_large");
    expect(sent).toEqual([]);
    void channel.request("a", "é".repeat(460));
    expect(sent).toHaveLength(1);
  });

  test.each([
    ["noise", "not an answer\n"],
    ["notifications", '{"jsonrpc":"2.0","method":"log","params":{}}\n'],
    ["requests", '{"jsonrpc":"2.0","id":1,"method":"x"}\n'],
  ])("closes when a flood of %s passes the limit", async (_what, line) => {
    const { channel, faults, receive } = wire({ maxStrayBytes: 1000 });
    const answer = channel.request("a", {});
    for (let bytes = 0; bytes < 2000; bytes += line.length) receive(line);
    expect(await outcome(answer)).toBe("limit_exceeded");
    expect(faults).toHaveLength(1);
  });

  test("close settles what is pending; the first reason stays", async () => {
    const { channel, receive } = wire();
    const answer = channel.request("a", {});
    channel.close(new SkillError("process_died", "first"));
    channel.close(new SkillError("closed", "second"));
    receive('{"jsonrpc":"2.0","id":1,"result":1}\n');
    expect(await outcome(answer)).toBe("process_died");
    expect(await outcome(channel.request("a", {}))).toBe("process_died");
    expect(channel.closeReason?.message).toBe("first");
  });

  test("survives each line of the hostile corpus: a request always ends with an answer or a typed error", async () => {
    const rows = readFileSync(
      new URL("../../data/jsonrpc/client_hostile_lines.jsonl", import.meta.url),
      "utf8",
    )
      .trim();
    for (const row of rows.split("\n")) {
      const { name, line } = JSON.parse(row) as { name: string; line: string };
      const { channel, receive } = wire();
      const first = outcome(channel.request("a", {}));
      receive(`${line}\n`);
      const second = outcome(channel.request("b", {}));
      receive('{"jsonrpc":"2.0","id":1,"result":"late"}\n{"jsonrpc":"2.0","id":2,"result":"next"}\n');
      expect({ name, first: await first }).toSatisfy(({ first }) =>
        first === "protocol_error" || typeof first === "object"
      );
      expect({ name, second: await second }).toMatchObject({ name, second: { result: "next" } });
    }
  });

  test("handles the lines of the specification's examples as what a skill may write", async () => {
    const rows = readFileSync(new URL("../../data/jsonrpc/spec_examples.jsonl", import.meta.url), "utf8")
      .trim();
    for (const row of rows.split("\n")) {
      const example = JSON.parse(row) as { name: string; request: string; response: unknown };
      const { channel, receive } = wire();
      receive(`${example.request.replaceAll("\n", " ")}\n`);
      if (example.response !== null) receive(`${JSON.stringify(example.response)}\n`);
      const answer = channel.request("a", {});
      receive('{"jsonrpc":"2.0","id":1,"result":1}\n');
      expect({ name: example.name, answer: await answer }).toMatchObject({ answer: { result: 1 } });
    }
  });

  test("any bytes in any chunking never throw, never keep a request open past close, and hold no more than the limit", async () => {
    const fragment = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.constantFrom(
        '{"jsonrpc":"2.0","id":1,"result":{}}\n',
        '{"jsonrpc":"2.0","id":1,',
        '"result":"\\ud800"}',
        "\n",
        "\r\n",
        "[[[[",
        "{",
        "NaN",
        '"__proto__":',
        "é\u2028",
        "\ufeff",
      ).map((text) => new Uint8Array(Buffer.from(text))),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(fragment, { maxLength: 40 }),
        fc.integer({ min: 1, max: 64 }),
        async (parts, size) => {
          const { channel } = wire({ maxMessageBytes: 512, maxStrayBytes: 4096 });
          const answer = outcome(channel.request("a", {}));
          const bytes = Buffer.concat(parts);
          for (let at = 0; at < bytes.length; at += size) channel.push(bytes.subarray(at, at + size));
          channel.close(new SkillError("closed", "end"));
          const settled = await answer;
          expect(
            ["closed", "protocol_error", "message_too_large", "limit_exceeded"].includes(String(settled)) ||
              typeof settled === "object",
          ).toBe(true);
          expect(Reflect.get({}, "polluted")).toBeUndefined();
        },
      ),
      { numRuns: tries(300, 20_000) },
    );
  });

  test("the chunking does not matter", async () => {
    const text =
      'é noise\n{"jsonrpc":"2.0","id":1,"result":"ünï\u2028cödé 🐍"}\n{"jsonrpc":"2.0","method":"log"}\n';
    const bytes = Buffer.from(text);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: bytes.length }), { maxLength: 20 }),
        async (cuts) => {
          const { channel, noise, notifications } = wire();
          const answer = channel.request("a", {});
          const edges = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
          for (const [index, edge] of edges.entries()) {
            channel.push(
              bytes.subarray(edges[index - 1] ?? 0, edge),
            );
          }
          expect(await answer).toMatchObject({ result: "ünï\u2028cödé 🐍" });
          expect(noise).toEqual(["é noise"]);
          expect(notifications).toEqual(["log"]);
        },
      ),
      { numRuns: tries(200, 20_000) },
    );
  });
});
