import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SkillError } from "../../src/base/errors.ts";
import type { Json } from "../../src/base/json.ts";
import { parseYaml } from "../../src/manifest/yaml.ts";
import { tries } from "../torture.ts";

const read = (text: string): Json => parseYaml(text, { file: "f.yaml", code: "invalid_input" });
const MARKS = [
  "a",
  "1",
  ":",
  ": ",
  "- ",
  "? ",
  "\n",
  "\n ",
  "\n  ",
  "\t",
  "\r\n",
  "[",
  "]",
  "{",
  "}",
  ",",
  "# c",
].concat(
  [
    '"',
    "'",
    "\\",
    "|",
    ">",
    "&a ",
    "*a",
    "!a ",
    "!!int ",
    "%YAML 1.1",
    "---\n",
    "...\n",
    "<<: ",
    "__proto__: ",
  ],
  [".nan", "\uFEFF", "\u0002", "\u0018", "\u001F", "\u0000", "\uD800", "é"],
);

describe("parseYaml", () => {
  it("reads by the core schema: what is no number, truth value or null there stays text", () => {
    const text = [
      "text: [no, yes, on, NO, 1_000, 0123a, 2026-01-01, 12:30:00, 1.2.3, =, <<]",
      "numbers: [1, -2.5, 1e3, 0o17, 0x1F, 0123]",
      "other: [true, False, null, ~, .inf, -.inf, .NaN, 1e999]",
      "none:",
      "200: [!!str 1, !!int 5]",
      "<<: {a: 1}",
      "long: >-",
      "  one",
      "  two",
    ].join("\n");
    expect(read(text)).toEqual({
      text: ["no", "yes", "on", "NO", "1_000", "0123a", "2026-01-01", "12:30:00", "1.2.3", "=", "<<"],
      numbers: [1, -2.5, 1000, 15, 31, 123],
      other: [true, false, null, null, ".inf", "-.inf", ".NaN", "1e999"],
      none: null,
      200: ["1", 5],
      "<<": { a: 1 },
      long: "one two",
    });
  });

  it("leaves scalars as they stand where text is wanted", () => {
    const text = "a: 1.50\nb: [true, 0x1F, ~]\nc:\n";
    expect(parseYaml(text, { file: "f", code: "invalid_input", scalars: "text" }))
      .toEqual({ a: "1.50", b: ["true", "0x1F", "~"], c: "" });
  });

  it("reads a byte order mark, CRLF, one document between its marks, and nothing", () => {
    expect(read("\uFEFF---\r\na: 1\r\nb: |\r\n  x\r\n  y\r\n...\r\n")).toEqual({ a: 1, b: "x\ny\n" });
    expect([read(""), read("# only this\n"), read("text")]).toEqual([null, null, "text"]);
  });

  it("drops keys that could reach a prototype", () => {
    const value = read("__proto__: {bad: 1}\nconstructor: 1\na: {prototype: 1, b: 2}");
    expect(JSON.stringify(value)).toBe('{"a":{"b":2}}');
    expect(({} as Record<string, unknown>)["bad"]).toBeUndefined();
  });

  it.each([
    ["a: 1\na: 2", 2, 1, 'second key "a"', "Remove one"],
    ['{a: 1, "a": 2}', 1, 8, 'second key "a"', "Remove one"],
    ["200: 1\n'200': 2", 2, 1, 'second key "200"', "Remove one"],
    ["a: 1\n---\nb: 2", 2, 1, "second document", "one document"],
    ["a: &x 1", 1, 7, 'anchor "&x"', "Write the value out"],
    ["&x a: 1", 1, 4, 'anchor "&x"', "Write the value out"],
    ["a: *x", 1, 4, "alias", "Write the value out"],
    ["a: 1\nb: !!python/object:os.system ls", 2, 4, "python/object", "Remove the tag"],
    ["a: !!js/function x", 1, 4, "js/function", "Remove the tag"],
    ["a: !!binary aGk=", 1, 4, "binary", "Remove the tag"],
    ["a: !!timestamp 2026-01-01", 1, 4, "timestamp", "Remove the tag"],
    ["a: !!set {b}", 1, 4, "set", "Remove the tag"],
    ["a: !!int text", 1, 4, "int", "Remove the tag"],
    ["a: !own x", 1, 4, "!own", "Remove the tag"],
    ["%YAML 1.1\n---\na: no", 1, 1, "directive", "Remove it"],
    ["%FOO\n---\na: no", 1, 1, "directive", "Remove it"],
    ["a:\n\t- 1", 2, 1, "Tabs", "Indent with spaces"],
    ["a: b: c", 1, 4, "Nested mappings", "in quotes: a: b: c"],
    ["a: [1", 1, 6, "Flow sequence", "Correct the line: a: [1"],
    ["? [a]\n: 1", 1, 3, "keys must be strings", "key of text"],
    ["a: 1\n] x", 2, 1, "", ""],
  ])("refuses %j and says where and what to do", (text, line, column, message, fix) => {
    expect(() => read(text)).toThrow(expect.objectContaining({
      code: "invalid_input",
      message: expect.stringContaining(message),
      fix: expect.stringContaining(fix),
      details: { file: "f.yaml", line, column },
    }));
  });

  it("counts lines from where the text stands in its file", () => {
    expect(() => parseYaml("a: *x", { file: "f", code: "invalid_manifest", lineOffset: 4 }))
      .toThrow(
        expect.objectContaining({ code: "invalid_manifest", details: { file: "f", line: 5, column: 4 } }),
      );
  });

  it("takes 64 levels and 30,000 keys, long text, and no more than it is told", () => {
    expect(JSON.stringify(read("[".repeat(64) + "]".repeat(64)))).toHaveLength(128);
    // each compared with each other would take long
    const keys = Array.from({ length: 30_000 }, (_, index) => `k${index}: 1\n`).join("");
    expect(Object.keys(read(keys) as object)).toHaveLength(30_000);
    expect(read(`a: ${"x".repeat(1_000_000)}`)).toEqual({ a: "x".repeat(1_000_000) });
    expect(() => read(`a: ${"x".repeat(1 << 20)}`)).toThrow(/1048579 bytes long, the limit is 1048576/);
  });

  it.each([
    ["[", 1 << 20, /deeper than 64/],
    ["{a: ", 1 << 18, /deeper than 64/],
    ["- ", 1 << 19, /deeper than 64/],
    ["? ", 1 << 19, /deeper than 64/],
    ["a:\n ", 1 << 8, /not valid YAML/],
    ["]", 1 << 20, /not valid YAML/],
    ["---\n", 1 << 18, /second document/],
    ["%A\n", 1 << 18, /directive/],
    ["&a ", 1 << 14, /not valid YAML/],
  ])("refuses %j many times before it is too much", (text, times, message) => {
    expect(() => read(text.repeat(times))).toThrow(message);
  });

  it("refuses more than 800,000 tokens", () => {
    expect(() => read(`[${"a,".repeat(300_000)}]`)).toThrow(/column 533\d\d\d: .*more than 800000 tokens/);
  });

  it("leaves stacks to other errors", () => {
    expect(() => read("[,,,")).toThrow("Unexpected ,");
    expect(new Error("of another part").stack).toContain("yaml.test.ts");
  });

  it("refuses a bomb of aliases at its first one", () => {
    const rows = Array.from({ length: 30 }, (_, at) => `a${at + 1}: &a${at + 1} [${`*a${at},`.repeat(9)}]\n`);
    expect(() => read(`a0: &a0 lol\n${rows.join("")}`)).toThrow(/line 1.*anchor/);
  });

  it("gives a value that JSON can carry, or an error of its own, whatever it is given", () => {
    const text = fc.oneof(
      fc.string({ unit: "binary", maxLength: 60 }),
      fc.array(fc.constantFrom(...MARKS), { maxLength: 40 }).map((parts) => parts.join("")),
    );
    fc.assert(
      fc.property(text, (given) => {
        try {
          const value = read(given);
          return JSON.stringify(JSON.parse(JSON.stringify(value))) === JSON.stringify(value) &&
            value !== undefined;
        } catch (error) {
          return SkillError.isInstance(error) && error.message.length < 600 && error.fix !== undefined;
        }
      }),
      { numRuns: tries(600, 20_000) },
    );
  });

  it("reads what JSON writes", () => {
    const keys = fc.string({ maxLength: 12 }).filter((key) =>
      !/^(?:__proto__|constructor|prototype)$/.test(key)
    );
    const value = fc.letrec((tie) => ({
      any: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom(null, true, false, 0, 12, -1.5, 1e21),
        fc.string({ unit: "grapheme", maxLength: 20 }),
        fc.array(tie("any"), { maxLength: 4 }),
        fc.dictionary(keys, tie("any"), { maxKeys: 4, noNullPrototype: true }),
      ),
    })).any;
    fc.assert(
      fc.property(value, (given) => {
        expect(read(JSON.stringify(given, null, 2))).toEqual(given);
      }),
      { numRuns: tries(150, 3000) },
    );
  });
});
