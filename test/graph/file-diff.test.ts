import { expect, test } from "vitest";
import { diffFiles } from "../../src/graph/file-diff.ts";

test("diffFiles shows changed lines with their surroundings", () => {
  const before = Array.from({ length: 30 }, (_, index) => `line ${index}`);
  const after = before.with(2, "changed").toSpliced(25, 1);
  expect(diffFiles({ "a.py": before.join("\n"), same: "x" }, { "a.py": after.join("\n"), same: "x" })).toBe(
    `--- a/a.py
+++ b/a.py
@@ -1,6 +1,6 @@
 line 0
 line 1
-line 2
+changed
 line 3
 line 4
 line 5
@@ -23,7 +23,6 @@
 line 22
 line 23
 line 24
-line 25
 line 26
 line 27
 line 28
`,
  );
});

test("diffFiles shows new and removed files, and nothing where nothing differs", () => {
  expect(diffFiles({ gone: "1\n" }, { fresh: "2\n" })).toBe(
    "--- /dev/null\n+++ b/fresh\n@@ -0,0 +1,1 @@\n+2\n--- a/gone\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-1\n",
  );
  expect(diffFiles({ a: "x" }, { a: "x" })).toBe("");
});

test("diffFiles does not compare huge changes line by line", () => {
  const lines = (mark: string): string =>
    Array.from({ length: 20_000 }, (_, index) => `${mark}${index}`).join("\n");
  expect(diffFiles({ a: lines("-") }, { a: lines("+") }).split("\n")).toHaveLength(40_000 + 4);
});
