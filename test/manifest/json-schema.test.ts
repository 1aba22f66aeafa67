import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Json } from "../../src/base/json.ts";
import { checkSchema } from "../../src/manifest/json-schema-check.ts";
import { compileSchema, describeProblems } from "../../src/manifest/json-schema.ts";
import { dataLines, errorOf, foreignError } from "./helpers.ts";
import { tries } from "../torture.ts";

interface Group {
  readonly file?: string;
  readonly group: string;
  readonly schema: Json;
  readonly refused?: boolean;
  readonly tests?: readonly { readonly description: string; readonly data: Json; readonly valid: boolean }[];
}

function problemsOf(schema: unknown, value: unknown): string {
  const result = compileSchema(schema)(value);
  return result.ok ? "" : describeProblems(result.problems);
}

describe("compileSchema agrees with the JSON Schema test suite", () => {
  const groups = (dataLines("json-schema/draft2020-12.jsonl") as readonly Group[]).filter(({ file }) =>
    file !== undefined
  );
  for (const file of new Set(groups.map((group) => group.file))) {
    const rows = groups.filter((row) => row.file === file);
    it(`in ${file}`, () => {
      for (const { group, schema, tests = [] } of rows.filter(({ refused }) => refused !== true)) {
        const check = compileSchema(schema);
        const answers = tests.map(({ description, data }) => [description, check(data).ok]);
        expect([group, answers]).toEqual([
          group,
          tests.map(({ description, valid }) => [description, valid]),
        ]);
      }
    });
    const refused = rows.filter((row) => row.refused === true);
    if (refused.length === 0) continue;
    it(`in ${file}, but for what it refuses`, async () => {
      for (const { group, schema } of refused) {
        const { code } = await errorOf(() => compileSchema(schema));
        expect([group, code]).toEqual([group, "invalid_manifest"]);
      }
    });
  }
});

describe("compileSchema", () => {
  const roman = {
    type: "object",
    properties: { number: { type: "integer", minimum: 1 }, style: { enum: ["short", "long"] } },
    required: ["number"],
    additionalProperties: false,
  };

  it.each([
    [{ number: "x" }, 'number: expected integer, got string "x"'],
    [{}, "number: is required"],
    [{ number: 0 }, "number: must be at least 1, got 0"],
    [{ number: 1, stile: "long" }, 'stile: unknown key, did you mean "style"?'],
    [{ number: 1, style: "longer" }, 'style: expected one of "short", "long", got string "longer"'],
    [[1], "expected object, got array of 1"],
    [{ number: 1.5 }, "number: expected integer, got number 1.5"],
  ])("says of %j: %s", (value, message) => {
    expect(problemsOf(roman, value)).toBe(message);
  });

  it("gives back the value itself", () => {
    const value = { number: 1 };
    const result = compileSchema(roman)(value);
    expect(result.ok && result.value).toBe(value);
  });

  it("names the place in lists", () => {
    const schema = {
      type: "object",
      properties: { items: { type: "array", items: { anyOf: [{ type: "null" }, roman] } } },
    };
    expect(problemsOf(schema, { items: [null, { number: "x" }] })).toBe(
      'items[1]: fits none of 2 alternatives: expected null, got object; or items[1].number: expected integer, got string "x"',
    );
  });

  it("answers on a hostile pattern and a hostile text", () => {
    const schema = { type: "string", pattern: "^(a+)+$" };
    expect(problemsOf(schema, `${"a".repeat(50_000)}!`)).toContain("must match the pattern");
    expect(problemsOf(schema, "a".repeat(50_000))).toBe("");
  });

  it("answers on alternatives that double at each level", () => {
    const $defs = Object.fromEntries(Array.from({ length: 40 }, (_, level) => {
      const next = { $ref: `#/$defs/a${level + 1}` };
      return [`a${level}`, { anyOf: [next, next] }];
    }));
    const schema = { $ref: "#/$defs/a0", $defs: { ...$defs, a40: { type: "integer" } } };
    expect(problemsOf(schema, "x")).toContain("too large to be checked");
    expect(problemsOf(schema, 1)).toBe("");
  });

  it("answers on large values against large enums", () => {
    const schema = {
      type: "array",
      items: { enum: Array.from({ length: 2000 }, (_, index) => `value ${index}`) },
    };
    expect(problemsOf(schema, Array.from({ length: 40_000 }, () => "value 1999"))).toBe("");
    expect(compileSchema(schema)(Array.from({ length: 40_000 }, () => "no")).ok).toBe(false);
  });

  it.each([
    ["undefined", undefined],
    ["a function inside", { number: () => 1 }],
    ["NaN", { number: Number.NaN }],
    ["a date", { number: new Date(0) }],
    ["a bigint", { number: 1n }],
  ])("refuses %s, which is not JSON", (_name, value) => {
    expect(compileSchema({})(value).ok).toBe(false);
  });

  it("refuses a value that is nested too deep, or in a circle", () => {
    let deep: unknown = 1;
    for (let level = 0; level < 20_000; level++) deep = [deep];
    expect(problemsOf({}, deep)).toContain("nested deeper");
    const circle: unknown[] = [];
    circle.push(circle);
    expect(problemsOf({}, circle)).toContain("nested deeper");
  });

  it("sees no inherited properties", () => {
    expect(problemsOf({ required: ["toString", "constructor"] }, {})).toContain("toString: is required");
    expect(problemsOf({ properties: {}, additionalProperties: false }, JSON.parse('{"__proto__": 1}')))
      .toContain("unknown key");
  });

  it("bounds what it says", () => {
    const result = compileSchema({ items: { type: "string" } })(
      Array.from({ length: 5000 }, (_, index) => index),
    );
    expect(!result.ok && result.problems.length).toBe(20);
  });

  it("never throws for a schema that was accepted, whatever the value", () => {
    const value = fc.jsonValue();
    const keyword = fc.oneof(
      fc.record({ type: fc.constantFrom("object", "string", "array", ["integer", "null"]) }),
      fc.record({ enum: fc.array(fc.jsonValue()) }),
      fc.record({ properties: fc.dictionary(fc.string(), fc.record({ type: fc.constant("number") })) }),
      fc.record({ anyOf: fc.array(fc.record({ const: fc.jsonValue() })) }),
      fc.record({ pattern: fc.string() }),
      fc.jsonValue() as fc.Arbitrary<object>,
    );
    fc.assert(
      fc.property(keyword, value, (schema, input) => {
        expect(foreignError(() => compileSchema(schema)(input))).toBeUndefined();
      }),
      { numRuns: tries(500, 20_000) },
    );
  });
});

describe("checkSchema", () => {
  const nested = (levels: number): Json =>
    levels === 0 ? { type: "string" } : { properties: { x: nested(levels - 1) } };

  it.each<[string, unknown, string]>([
    ["no object", [1], "must be a JSON Schema object"],
    ["a wrong type", { type: "int" }, '"int" is not a type'],
    ["a wrong type inside", { properties: { a: { type: "strng" } } }, "/properties/a/type"],
    ["look-ahead", { pattern: "(?=a)b" }, "is refused"],
    ["a back reference", { pattern: "(a)\\1" }, "is refused"],
    ["large repetitions", { pattern: "((a{100}){100}){100}" }, "is refused"],
    ["a long pattern", { pattern: "a".repeat(2000) }, "is refused"],
    ["a hostile key pattern", { patternProperties: { "(?!x)": {} } }, "is refused"],
    ["a remote reference", { $ref: "https://example.invalid/schema" }, "points at nothing"],
    ["a reference to a file", { $ref: "file:///etc/passwd" }, "points at nothing"],
    ["a reference to nothing", { $ref: "#/$defs/a" }, "points at nothing"],
    [
      "a reference to itself",
      { $ref: "#/$defs/a", $defs: { a: { anyOf: [{ $ref: "#/$defs/a" }] } } },
      "circle",
    ],
    ["an unknown constraint", { unevaluatedProperties: false }, "not supported"],
    ["a wrong count", { minLength: -1 }, "whole number"],
    ["properties that are none", { properties: [] }, "must map names"],
    ["too many bytes", { description: "x".repeat(33_000) }, "limit"],
    ["too many levels", nested(40), "nested deeper"],
    ["too many subschemas", { allOf: Array.from({ length: 1001 }, () => ({})) }, "more than 1000"],
  ])("refuses %s", async (_name, schema, reason) => {
    const error = await errorOf(() => checkSchema(schema, "input_schema"));
    expect(error.code).toBe("invalid_manifest");
    expect(error.message).toContain(reason);
    expect(error.message).toContain("input_schema");
  });

  it("accepts schemas that go round through the value", () => {
    const tree = {
      $ref: "#/$defs/node",
      $defs: { node: { properties: { next: { $ref: "#/$defs/node" }, v: { type: "integer" } } } },
    };
    expect(checkSchema(tree, "s")).toBe(tree);
    expect(problemsOf(tree, { next: { next: { v: "x" } } })).toBe(
      'next.next.v: expected integer, got string "x"',
    );
    expect(checkSchema(nested(15), "s")).toEqual(nested(15));
  });

  it("suggests the type that a Python writer means", async () => {
    expect((await errorOf(() => checkSchema({ type: "dict" }, "s"))).fix).toContain('"object"');
  });
});
