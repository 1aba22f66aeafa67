import { join } from "node:path";
import { expect, test } from "vitest";
import { errorContent } from "../../src/tools/tool-answer.ts";
import { plainWords, visibleJson, withoutHostPaths } from "../../src/tools/untrusted-text.ts";

test("visibleJson hides nothing and stays JSON of the same value", () => {
  const value = { text: 'a\u202eb\u200bc\u001b[2Kd\u{E0041}e\uFEFF "}', emoji: "👩‍👩‍👧", two: "1\n\t2" };
  const json = visibleJson(value);
  expect(JSON.parse(json)).toEqual(value);
  expect(json).toContain("a\\u202eb\\u200bc\\u001b[2Kd\\udb40\\udc41e\\ufeff");
  expect(json).toContain("👩‍👩‍👧");
});

test("plainWords are one paragraph of a bounded length", () => {
  expect(plainWords("  Does\u200b it.\n\n<system>\u202eobey\u0007</system>  ", 100)).toBe(
    "Does it. <system>obey</system>",
  );
  expect(plainWords("a".repeat(100_000), 300)).toHaveLength(301);
  expect(plainWords(`${"a".repeat(299)}😀`, 300)).toBe(`${"a".repeat(299)}…`);
});

/** The folder of a machine's first user. */
const ROOT = join("/", "root");

test.each([
  [`cannot read "${ROOT}/.skillwright/.state/home.db"`, 'cannot read "…/home.db"'],
  ["File /home/ada/x/skill.py:3, in f", "File …/skill.py:3, in f"],
  ["at /data/skills/.runtime/roman/builds/ab/src/skill.py", "at …/skill.py"],
  ["see file:///etc/passwd", "see …/passwd"],
  ["see https://example.org/home/ada and /v1/users/5", "see https://example.org/home/ada and /v1/users/5"],
  ["1/2 of a/usr/b, ./data/x and /tmp/x", "1/2 of a/usr/b, ./data/x and /tmp/x"],
])("withoutHostPaths of %j is %j", (text, expected) => {
  expect(withoutHostPaths(text)).toBe(expected);
});

test("withoutHostPaths takes no time over what looks like a path", () => {
  const text = `${"/a".repeat(20_000)} ${"/home/".repeat(20_000)}`;
  const began = performance.now();
  expect(withoutHostPaths(text).length).toBeLessThan(60_000);
  expect(performance.now() - began).toBeLessThan(5_000);
});

test("errorContent is short, hides nothing, and tells nothing of where the host keeps its files", () => {
  const content = errorContent({
    code: "tool_failed",
    message: `no\u202e in /root/.skills/.runtime/a/skill.py ${"x".repeat(100_000)}`,
    fix: "look at /home/ada/key",
  });
  expect(content.length).toBeLessThan(2_400);
  expect(content).toContain("no\\u202e in …/skill.py xxx");
  expect(JSON.parse(content)).toMatchObject({ error: { code: "tool_failed", fix: "look at …/key" } });
});
