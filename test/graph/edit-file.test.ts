import { array, assert, constantFrom, pre, property, string } from "fast-check";
import { expect, test } from "vitest";
import { applyDiff, replaceOnce } from "../../src/graph/edit-file.ts";
import { diffFiles } from "../../src/graph/file-diff.ts";

const text = "def a():\n    return 1\n\n\ndef b():\n    return 1\n";
const refusal = (message: string): object => ({
  code: "invalid_input",
  message: expect.stringContaining(message),
});

test("replaceOnce replaces what stands there once, letter for letter", () => {
  expect(replaceOnce(text, "def b():\n    return 1", "def b():\n    return $&")).toBe(
    "def a():\n    return 1\n\n\ndef b():\n    return $&\n",
  );
});

test.each([
  ["", "old is empty"],
  ["return 1", "more than once, in lines 2 and 6"],
  ["retrun 1", 'the file has no "retrun 1"; the nearest is "return 1"'],
  ["def b():\n  return 1", 'line 2 differs in its blanks only: "    return 1"'],
  ["def b():\n    return 1\n\n\ndef a", "not one after the other"],
])("replaceOnce refuses %j and says why", (old, message) => {
  expect(() => replaceOnce(text, old, "x")).toThrow(expect.objectContaining(refusal(message)));
});

test("applyDiff changes what a diff says, wherever its header thinks that it stands", () => {
  const diff =
    "--- a/skill.py\n+++ b/skill.py\n@@ -40,2 +40,3 @@ def b\n def b():\n-    return 1\n+    c = 2\n+    return c\n";
  expect(applyDiff(text, diff)).toBe("def a():\n    return 1\n\n\ndef b():\n    c = 2\n    return c\n");
  expect(applyDiff("a\nb", "@@ -1,0 +2,1 @@\n+x\n")).toBe("a\nx\nb");
});

test.each([
  ["nothing here", "the diff has no hunk"],
  [
    "@@ -1,1 +1,1 @@\n-def c():\n+x",
    'hunk 1 does not fit: the file has no line "def c():"; the nearest is "def a():"',
  ],
  [
    "@@ -1,2 +1,2 @@\n def a():\n-    return 1\n+    return 2\n@@ -5,2 +5,2 @@\n def a():\n def b():\n",
    "hunk 2 does not fit",
  ],
  ["@@ -1,1 +1,1 @@\n*def a():", 'the diff has the line "*def a():"'],
])("applyDiff refuses %j and changes nothing", (diff, message) => {
  expect(() => applyDiff(text, diff)).toThrow(expect.objectContaining(refusal(message)));
});

test("applyDiff turns any text into any other by the diff of the two", () => {
  const line = constantFrom("a", "b", "", "  c", "-d", "+e", "@@ f");
  const lines = array(line, { maxLength: 30 }).map((all) => all.map((one) => `${one}\n`).join(""));
  assert(property(lines, lines, (before, after) => {
    pre(before !== after);
    expect(applyDiff(before, diffFiles({ x: before }, { x: after }))).toBe(after);
  }));
});

test("replaceOnce and applyDiff throw nothing but refusals", () => {
  const given = string({ maxLength: 300 });
  assert(property(given, given, (before, edit) => {
    const codes = [() => replaceOnce(before, edit, "x"), () => applyDiff(before, edit)].map(codeOf);
    expect(["done", "invalid_input"]).toEqual(expect.arrayContaining(codes));
  }));
});

function codeOf(act: () => string): unknown {
  try {
    act();
    return "done";
  } catch (error) {
    return (error as { readonly code?: unknown }).code;
  }
}
