import { describe, expect, it } from "vitest";
import { packageFilesOf, textOf } from "../../../src/lifecycle/packages/package-text.ts";

describe("packageFilesOf", () => {
  it("takes text files with plain relative paths", () => {
    const files = packageFilesOf({ "skill.py": "x = 1\n", "tests/test_a.py": "é" });
    expect(files.map(({ path, bytes }) => [path, bytes.byteLength])).toEqual([["skill.py", 6], [
      "tests/test_a.py",
      2,
    ]]);
    expect(textOf(files)).toEqual({ "skill.py": "x = 1\n", "tests/test_a.py": "é" });
  });

  it.each([
    "../x.py",
    "/etc/passwd",
    "a/../../b",
    "a//b",
    "./a",
    "a\\b",
    "a\nb",
    "",
    "c:x",
    `${"a/".repeat(20)}b`,
    "x".repeat(300),
  ])("refuses the path %j", (path) => {
    expect(() => packageFilesOf({ [path]: "" })).toThrow(
      expect.objectContaining({ code: "invalid_package" }),
    );
  });

  it("refuses names that are one on some systems, and a file that is a folder too", () => {
    expect(() => packageFilesOf({ "a.py": "", "A.py": "" })).toThrow(/differ in case/);
    expect(() => packageFilesOf({ a: "", "a/b": "" })).toThrow(/a file and a folder/);
    expect(() => packageFilesOf({})).toThrow(/0 files/);
  });
});
