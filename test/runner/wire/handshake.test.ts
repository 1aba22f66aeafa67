import { describe, expect, test } from "vitest";
import type { Json } from "../../../src/base/json.ts";
import { checkHandshake } from "../../../src/runner/wire/handshake.ts";

const EXPECTED = { id: "roman", name: "Roman numerals", version: "1.2.0" };

function check(answer: Json): unknown {
  return checkHandshake(answer, EXPECTED, "");
}

describe("checkHandshake", () => {
  test.each<[string, Json]>([
    ["the id", { name: "roman", version: "1.2.0" }],
    ["the display name", { name: "Roman numerals", version: "1.2.0" }],
  ])("accepts %s with the manifest's version", (_what, answer) => {
    expect(check(answer)).toEqual({ prefix: "", protocol: 1 });
  });

  test("accepts the older form with skill_name and protocol_version", () => {
    expect(check({ skill_name: "roman", protocol_version: "2" })).toEqual({ prefix: "", protocol: 2 });
  });

  test.each<[string, Json, string]>([
    ["another name", { name: "greek", version: "1.2.0" }, 'its name is "greek"'],
    ["another name in the older form", { skill_name: "greek", protocol_version: "1" }, 'its name is "greek"'],
    ["another version", { name: "roman", version: "2.0.0" }, 'its version is "2.0.0"'],
    ["no name", { version: "1.2.0" }, "its name is missing"],
    ["no version", { name: "roman" }, "its version is missing"],
    ["text", "hello", '"hello" is no object'],
    ["a list", [], "[] is no object"],
    ["null", null, "null is no object"],
  ])("refuses %s, and names what was expected and what came", (_what, answer, found) => {
    expect(() => check(answer)).toThrow(expect.objectContaining({
      code: "handshake_failed",
      message: `the skill "roman" 1.2.0 answered the handshake wrongly: ${found}`,
    }));
  });
});
