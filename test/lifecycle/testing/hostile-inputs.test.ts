import { expect, test } from "vitest";
import { hostileInputs } from "../../../src/lifecycle/testing/hostile-inputs.ts";
import type { JsonSchema } from "../../../src/manifest/types.ts";

const inputs = (schema: JsonSchema, good?: JsonSchema) =>
  Object.fromEntries(hostileInputs(schema, good).map(({ what, input }) => [what, input]));

test("hostileInputs change one thing of a good input at a time", () => {
  const schema = {
    type: "object",
    properties: { text: { type: "string" }, times: { type: "integer", default: 1 } },
    required: ["text"],
  };
  expect(inputs(schema, { text: "ab", times: 2 })).toEqual({
    "an empty object": {},
    '"text" is missing': { times: 2 },
    '"text" is a number': { text: 12_345, times: 2 },
    '"text" is null': { text: null, times: 2 },
    '"text" is empty': { text: "", times: 2 },
    '"text" has 20000 characters': { text: "x".repeat(20_000), times: 2 },
    '"times" is missing': { text: "ab" },
    '"times" is a text': { text: "ab", times: "twelve" },
    '"times" is null': { text: "ab", times: null },
    '"times" is negative': { text: "ab", times: -1 },
    '"times" is zero': { text: "ab", times: 0 },
    '"times" is 9007199254740991': { text: "ab", times: Number.MAX_SAFE_INTEGER },
    "a property too many": { text: "ab", times: 2, surplus_property: "x" },
  });
});

test("hostileInputs make a good input from the schema where none is given", () => {
  const schema = {
    type: "object",
    properties: {
      rows: {
        type: "array",
        items: { type: "object", properties: { n: { type: "number" } }, required: ["n"] },
      },
      kind: { enum: ["a", "b"] },
      from: { type: "integer", minimum: 5 },
    },
    required: ["rows", "kind", "from"],
  };
  const found = inputs(schema);
  expect(found["a property too many"]).toEqual({ rows: [], kind: "a", from: 5, surplus_property: "x" });
  expect(found['"rows" has 5000 items']).toMatchObject({ rows: { length: 5_000, 0: { n: 1 } } });
});

test("hostileInputs go by the good input where the schema names nothing", () => {
  expect(Object.keys(inputs({ type: "object" }, { words: ["a"], on: true }))).toEqual([
    "an empty object",
    '"words" is missing',
    '"words" is a text',
    '"words" is null',
    '"words" is empty',
    '"words" has 5000 items',
    '"on" is missing',
    '"on" is a text',
    '"on" is null',
    "a property too many",
  ]);
});

test("hostileInputs stay few and small whatever the schema", () => {
  const properties = Object.fromEntries(
    Array.from(
      { length: 500 },
      (_, index) => [`p${index}`, { type: "array", items: { const: "x".repeat(500) } }],
    ),
  );
  const found = hostileInputs({ type: "object", properties, required: Object.keys(properties) });
  expect(found.length).toBeLessThanOrEqual(24);
  expect(Math.max(...found.map(({ input }) => JSON.stringify(input).length))).toBeLessThan(102_400);
});
