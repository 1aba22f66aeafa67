import { describe, expect, it } from "vitest";
import { readFrontMatter } from "../../../src/manifest/agent-skill/front-matter.ts";

const read = (text: string): Readonly<Record<string, unknown>> =>
  readFrontMatter(`---\n${text}\n---\n\nBody\n`, "SKILL.md").data;

describe("readFrontMatter", () => {
  it("reads text as it stands, quoted or plain, with comments, and the body", () => {
    const text = [
      "name: my-skill # a comment",
      "version: 1.0",
      "flag: yes",
      'double: "a: \\"b\\" # c\\n"',
      "single: 'it''s'",
      "",
      "# a whole line",
      "empty:",
      "long: one",
      "  two # not this",
      "  three",
    ].join("\r\n");
    expect(read(text)).toEqual({
      name: "my-skill",
      version: "1.0",
      flag: "yes",
      double: 'a: "b" # c\n',
      single: "it's",
      empty: "",
      long: "one two three",
    });
    expect(readFrontMatter("---\nname: x\n---\n\n# Title\n\nText\n", "f").body).toBe("# Title\n\nText\n");
  });

  it("reads blocks, lists and a map of text", () => {
    const text = [
      "folded: >-",
      "  one",
      "  two",
      "",
      "  three",
      "kept: |",
      "  a",
      "    b",
      'tools: [Read, "Bash(git:*)"]',
      "also:",
      "- one",
      "- 'two'",
      "metadata:",
      "  author: Me",
      '  version: "2.1"',
    ].join("\n");
    expect(read(text)).toEqual({
      folded: "one two\nthree",
      kept: "a\n  b\n",
      tools: ["Read", "Bash(git:*)"],
      also: ["one", "two"],
      metadata: { author: "Me", version: "2.1" },
    });
  });

  it("takes a colon in plain text, and tells it", () => {
    const front = readFrontMatter("---\ndescription: Use when: needed\n---\n", "f");
    expect([front.data, front.unquoted]).toEqual([{ description: "Use when: needed" }, ["description"]]);
  });

  it.each([
    ["no front matter", 1, "must start with YAML front matter"],
    ["---\nname: x\n", 3, "not closed"],
    ["---\n- a\n---\n", 2, "must be a YAML mapping"],
    ["---\nname: x\nname: y\n---\n", 3, 'second key "name"'],
    ["---\nname: [a\n---\n", 2, "list is not closed"],
    ['---\nname: "a\n---\n', 2, "quotes are not closed"],
    ["---\nname: &a x\n---\n", 2, "an anchor"],
    ["---\nname: *a\n---\n", 2, "an alias"],
    ["---\nname: !!python/object x\n---\n", 2, "a tag"],
    ["---\nname: {a: b}\n---\n", 2, "a map in braces"],
    ["---\nmetadata:\n  a:\n    b: c\n---\n", 3, "only text is read"],
    ["---\nmetadata:\n  a: x\n  a: y\n---\n", 4, 'second key "a"'],
    [`---\n${"a: b\n".repeat(600)}---\n`, 500, "more than 500 lines"],
    ["---\n__proto__: x\n__proto__: y\n---\n", 3, "second key"],
  ])("says what is wrong and where, case %#", (text, line, message) => {
    expect(() => readFrontMatter(text, "SKILL.md")).toThrow(expect.objectContaining({
      code: "invalid_manifest",
      message: expect.stringContaining(message),
      details: expect.objectContaining({ line }),
    }));
  });

  it("takes no time for hostile text", () => {
    for (
      const text of ["a: " + " #".repeat(50_000), "a: " + '"\\'.repeat(50_000), "a: " + "'".repeat(99_999)]
    ) {
      const began = performance.now();
      try {
        read(text);
      } catch {
        // an error is an answer as well
      }
      expect(performance.now() - began).toBeLessThan(2000);
    }
  });
});
