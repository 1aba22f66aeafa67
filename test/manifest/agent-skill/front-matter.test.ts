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
      "  two",
      "  three # not this",
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

  it("reads YAML that other programs write: maps in maps and in braces, quotes and lists over several lines", () => {
    const text = [
      "metadata:",
      '  tool: {"needs": ["jq", 1.50]}',
      "  deep:",
      "    one: no",
      "list: [a,",
      "  b]",
      'long: "one',
      '  two\\u0041"',
      "? asked",
    ].join("\n");
    expect(read(text)).toEqual({
      metadata: { tool: { needs: ["jq", "1.50"] }, deep: { one: "no" } },
      list: ["a", "b"],
      long: "one twoA",
      asked: null,
    });
  });

  it("takes a colon in plain text, and tells it", () => {
    const text = [
      "name: x",
      "description: Use",
      "  when: needed # or not",
      "  always",
      "block: |",
      "  stays: as: it is",
      "metadata:",
      "  ends: with:",
      "  plain: text",
    ];
    const front = readFrontMatter(`---\n${text.join("\n")}\n---\n`, "f");
    expect([front.data, front.unquoted, front.lines]).toEqual([
      {
        name: "x",
        description: "Use when: needed always",
        block: "stays: as: it is\n",
        metadata: { ends: "with:", plain: "text" },
      },
      ["description", "ends"],
      { name: 2, description: 3, block: 6, metadata: 8 },
    ]);
  });

  it.each([
    ["no front matter", 1, "must start with YAML front matter"],
    ["---\nname: x\n", 3, "not closed"],
    ["---\n- a\n---\n", 2, "must be a YAML mapping"],
    ["---\nname: x\nname: y\n---\n", 3, 'second key "name"'],
    ["---\nname: [a\n---\n", 2, "Flow sequence", "name: [a"],
    ['---\nname: "a\n---\n', 2, 'closing "quote', 'name: "a'],
    ["---\nname: a: b\nlist: [\n---\n", 3, "Flow sequence"],
    ["---\nname: &a x\n---\n", 2, 'anchor "&a"'],
    ["---\nname: *a\n---\n", 2, "an alias"],
    ["---\nname: !!python/object x\n---\n", 2, "python/object", "Remove the tag"],
    ["---\nname:\n\t- a\n---\n", 3, "Tabs", "Indent with spaces"],
    ["---\nmetadata:\n  a: x\n  a: y\n---\n", 4, 'second key "a"'],
    [`---\n${"a: b\n".repeat(600)}---\n`, 500, "more than 500 lines"],
    ["---\n__proto__: x\n__proto__: y\n---\n", 3, "second key"],
  ])("says what is wrong and where, case %#", (text, line, message, fix = "") => {
    expect(() => readFrontMatter(text, "SKILL.md")).toThrow(expect.objectContaining({
      code: "invalid_manifest",
      message: expect.stringContaining(message),
      details: expect.objectContaining({ line }),
      fix: expect.stringContaining(fix),
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
