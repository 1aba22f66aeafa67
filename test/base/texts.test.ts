import { Buffer } from "node:buffer";
import { expect, test } from "vitest";
import { BoundedText } from "../../src/base/bounded-text.ts";
import { digestFiles } from "../../src/base/digest.ts";
import { Emitter } from "../../src/base/emitter.ts";
import { SKILL_ERROR_CODES, SkillError } from "../../src/base/errors.ts";
import { nearest } from "../../src/base/nearest.ts";
import { plainText } from "../../src/base/plain-text.ts";

test("BoundedText keeps short text whole", () => {
  const text = new BoundedText(100);
  text.push(Buffer.from("one "));
  text.push(Buffer.from("two"));
  expect(text.toString()).toBe("one two");
});

test("BoundedText keeps beginning and end of long text and counts the rest", () => {
  const text = new BoundedText(20);
  for (let index = 0; index < 1000; index++) text.push(Buffer.from(`line ${index}\n`));
  expect(text.toString()).toMatch(/^line 0\nlin\n… \d+ bytes left out …\n.*line 999\n$/s);
  const left = Number(/… (\d+) bytes/.exec(text.toString())?.[1]);
  expect(left).toBe(text.totalBytes - 20);
});

test("digestFiles does not depend on the order, but on path, mode and bytes", () => {
  const a = { path: "a", executable: false, bytes: "1" }, b = { path: "b", executable: false, bytes: "2" };
  const digest = digestFiles([a, b]);
  expect(digestFiles([b, a])).toBe(digest);
  for (const other of [{ ...a, path: "c" }, { ...a, executable: true }, { ...a, bytes: "2" }]) {
    expect(digestFiles([other, b])).not.toBe(digest);
  }
});

test("Emitter goes on to the next listener when one throws", () => {
  const errors: unknown[] = [], seen: number[] = [];
  const emitter = new Emitter<{ tick: number }>((error) => errors.push(error));
  emitter.on("tick", () => {
    throw new Error("broken");
  });
  const off = emitter.on("tick", (value) => seen.push(value));
  emitter.emit("tick", 1);
  off();
  emitter.emit("tick", 2);
  expect(seen).toEqual([1]);
  expect(errors).toHaveLength(2);
});

test("nearest finds what was meant, and nothing when nothing is near", () => {
  expect(nearest("verison", ["version", "name"])).toBe("version");
  expect(nearest("zzzzzz", ["version", "name"])).toBeUndefined();
});

test("plainText makes control characters visible and keeps lines", () => {
  expect(plainText("a\u001b[31mred\r\n\tb\u202e")).toBe("a\\u001b[31mred\\u000d\n\tb\\u202e");
});

test("SkillError.isInstance knows errors of another copy of the package, and no others", () => {
  const foreign = Object.assign(new Error("x"), { brand: "skillwright.SkillError", code: "timeout" });
  expect(SkillError.isInstance(foreign)).toBe(true);
  expect(SkillError.isInstance(new SkillError("timeout", "x"))).toBe(true);
  expect([new Error("x"), null, "x", { code: "timeout" }].map((value) => SkillError.isInstance(value))).not
    .toContain(true);
});

test("SkillError.toValue is plain data with a code of the closed list", () => {
  const value = new SkillError("not_found", "no skill", { fix: "look", details: { id: "x" } }).toValue();
  expect(JSON.parse(JSON.stringify(value))).toEqual({
    code: "not_found",
    message: "no skill",
    fix: "look",
    details: { id: "x" },
  });
  expect(Object.keys(SKILL_ERROR_CODES)).toContain(value.code);
});
