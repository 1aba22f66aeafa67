import { Buffer } from "node:buffer";
import { expect, test } from "vitest";
import * as fc from "fast-check";
import { SkillError } from "../../src/base/errors.ts";
import { canonicalJson, parseJson } from "../../src/base/json.ts";

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (SkillError.isInstance(error)) return error.code;
    throw error;
  }
  return "nothing was thrown";
}

test("parseJson reads JSON in text and in bytes", () => {
  expect(parseJson('{"a":[1,"é"]}', "it")).toEqual({ a: [1, "é"] });
  expect(parseJson(Buffer.from('{"a":[1,"é"]}'), "it")).toEqual({ a: [1, "é"] });
});

test("parseJson refuses what is too long, too deep, no UTF-8 or no JSON, with the code asked for", () => {
  expect(codeOf(() => parseJson('"12345678"', "it", { maxBytes: 5 }))).toBe("invalid_input");
  expect(codeOf(() => parseJson("[".repeat(65) + "]".repeat(65), "it", { code: "protocol_error" }))).toBe(
    "protocol_error",
  );
  expect(codeOf(() => parseJson(Uint8Array.of(0x22, 0xff, 0x22), "it"))).toBe("invalid_input");
  expect(codeOf(() => parseJson("{", "it"))).toBe("invalid_input");
  expect(parseJson("[".repeat(64) + "]".repeat(64), "it")).toBeDefined();
});

test("parseJson does not count brackets inside strings", () => {
  expect(parseJson(JSON.stringify("[".repeat(1000) + '\\"['), "it")).toBe("[".repeat(1000) + '\\"[');
});

test("parseJson drops keys that reach a prototype", () => {
  const value = parseJson('{"__proto__":{"polluted":1},"constructor":1,"ok":2}', "it");
  expect(Object.keys(value as object)).toEqual(["ok"]);
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
});

test("parseJson throws nothing but SkillError, whatever the bytes", () => {
  fc.assert(fc.property(fc.uint8Array(), (bytes) => {
    codeOf(() => parseJson(bytes, "it"));
  }));
});

test("canonicalJson is the same for the same value in another order", () => {
  fc.assert(fc.property(fc.dictionary(fc.string(), fc.integer()), (value) => {
    return canonicalJson(Object.fromEntries(Object.entries(value).toReversed())) === canonicalJson(value);
  }));
});
