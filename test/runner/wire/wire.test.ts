import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { fromWireError, type Incoming, readMessage, WIRE_CODES } from "../../../src/runner/wire/wire.ts";

interface HostileLine {
  readonly name: string;
  readonly line: string;
}

/** What each line of the corpus is, for a client that waits for request 1. */
const EXPECTED: Readonly<Record<string, readonly Incoming["kind"][]>> = {
  "valid result": ["result"],
  "result null": ["result"],
  "error object": ["error"],
  "both result and error": ["broken"],
  "neither result nor error": ["broken"],
  "missing jsonrpc": ["broken"],
  "jsonrpc 1.0": ["broken"],
  "jsonrpc number": ["broken"],
  "unknown id": ["result"],
  "id of other type": ["noise"],
  "id fractional": ["noise"],
  "null id error": ["broken"],
  "error code string": ["broken"],
  "error without message": ["broken"],
  "plain print before JSON": ["noise", "result"],
  "two messages on one line": ["broken"],
  CRLF: ["result"],
  "empty line": ["noise"],
  NaN: ["broken"],
  Infinity: ["broken"],
  "lone surrogate escape": ["result"],
  "big integer": ["result"],
  "duplicate keys": ["result"],
  "__proto__ key": ["result"],
  "deep nesting": ["broken"],
  BOM: ["result"],
  "batch response": ["broken"],
  "request from child": ["request"],
  "notification from child": ["notification"],
};

const corpus = readFileSync(new URL("../../data/jsonrpc/client_hostile_lines.jsonl", import.meta.url), "utf8")
  .trim().split("\n").map((row) => JSON.parse(row) as HostileLine);

function read(line: string | Buffer): Incoming {
  return readMessage(Buffer.from(line), 64);
}

describe("readMessage", () => {
  test("the corpus has a row for each expectation", () => {
    expect(corpus.map(({ name }) => name).toSorted()).toEqual(Object.keys(EXPECTED).toSorted());
  });

  test.each(corpus)("tells what the hostile line is: $name", ({ name, line }) => {
    expect(line.split("\n").map((part) => read(part).kind)).toEqual(EXPECTED[name]);
  });

  test("drops keys that could reach a prototype, in whatever spelling", () => {
    const line =
      String.raw`{"jsonrpc":"2.0","id":1,"result":{"__proto__":{"polluted":1},"\u005f_proto__":2,` +
      String.raw`"constructor":{"prototype":{"polluted":1}},"kept":3}}`;
    const message = read(line);
    expect(message).toMatchObject({ kind: "result" });
    const { result } = message as Extract<Incoming, { kind: "result" }>;
    expect(Reflect.ownKeys(result as object)).toEqual(["kept"]);
    expect(Reflect.get({}, "polluted")).toBeUndefined();
  });

  test("keeps a key that only mentions a prototype", () => {
    expect(read('{"jsonrpc":"2.0","id":1,"result":{"prototypes":1,"text":"__proto__"}}')).toMatchObject({
      result: { prototypes: 1, text: "__proto__" },
    });
  });

  test("is noise when a line is not JSON-RPC at all", () => {
    for (const line of ["", "hello", "{oops", '{"a":1}', "[1,2]", "12", "null", '"text"', "\0\0", "\ufeff"]) {
      expect({ line, kind: read(line).kind }).toEqual({ line, kind: "noise" });
    }
    expect(read(Buffer.from([0x7b, 0xff, 0xfe])).kind).toBe("noise");
    expect(read(Buffer.from('{"jsonrpc":"2.0"}', "utf16le")).kind).toBe("noise");
  });

  test("is broken when a JSON-RPC line holds invalid UTF-8", () => {
    const line = Buffer.concat([
      Buffer.from('{"jsonrpc":"2.0","id":1,"result":"'),
      Buffer.from([0xff]),
      Buffer.from('"}'),
    ]);
    expect(read(line)).toEqual({ kind: "broken", reason: "not valid UTF-8" });
  });

  test("accepts the depth limit and refuses one level more, brackets in strings not counted", () => {
    const nested = (levels: number) => {
      const padding = "[".repeat(200);
      return `{"jsonrpc":"2.0","id":1,"text":"${padding}\\"","result":${"[".repeat(levels)}${
        "]".repeat(levels)
      }}`;
    };
    expect(read(nested(63)).kind).toBe("result");
    expect(read(nested(64)).kind).toBe("broken");
  });

  test("bounds an error's message", () => {
    const message = read(
      JSON.stringify({ jsonrpc: "2.0", id: 1, error: { code: 1, message: "m".repeat(9999) } }),
    );
    expect((message as Extract<Incoming, { kind: "error" }>).error.message).toHaveLength(2000);
  });
});

describe("fromWireError", () => {
  test.each([
    [WIRE_CODES.methodNotFound, "tool_not_found"],
    [WIRE_CODES.invalidParams, "invalid_input"],
    [WIRE_CODES.tooLarge, "message_too_large"],
    [WIRE_CODES.notJson, "invalid_output"],
    [WIRE_CODES.toolFailed, "tool_failed"],
    [42, "tool_failed"],
  ])("maps wire code %i to %s and keeps it in the details", (code, local) => {
    const error = fromWireError({ code, message: "m", data: [1] }, "skill", "loop");
    expect(error).toMatchObject({
      code: local,
      message: "skill: m",
      details: { wire_code: code, data: [1] },
    });
  });

  test.each([WIRE_CODES.tooLarge, WIRE_CODES.notJson, WIRE_CODES.importFailed])(
    "takes %i of a program that speaks for itself as the tool's own error",
    (code) => {
      expect(fromWireError({ code, message: "m" }, "skill", "program")).toMatchObject({
        code: "tool_failed",
      });
    },
  );
});
