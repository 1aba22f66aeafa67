import { isObject, type Json } from "../../base/json.ts";
import type { JsonSchema } from "../../manifest/types.ts";

/** An input that a tool was not made for. */
export interface HostileInput {
  /** In words, with the property quoted. */
  readonly what: string;
  readonly input: Json;
}

interface JsonObject {
  readonly [key: string]: Json;
}

/** Of one tool. */
const MOST = { properties: 6, inputs: 24 };
/** Below the limit of one message, with room for the rest of it. */
const HUGE = { characters: 20_000, items: 5_000, integer: Number.MAX_SAFE_INTEGER, number: 1e300 };

/**
 * Inputs that go against a schema, or just within it to its edge: nothing at all, a property missing, empty, huge or of
 * another type, one too many. Each differs from a good input in one thing only.
 *
 * @param good an input that the tool answers; without one it is made from the schema
 */
export function hostileInputs(schema: JsonSchema, good?: Json): readonly HostileInput[] {
  const base = isObject(good) ? good : sampleObject(schema);
  const known = propertiesOf(schema, base);
  const inputs: HostileInput[] = [{ what: "an empty object", input: {} }];
  for (const [name, property] of Object.entries(known).slice(0, MOST.properties)) {
    const { [name]: value, ...rest } = base;
    const put = (what: string, other: Json): void => {
      inputs.push({ what: `"${name}" ${what}`, input: { ...base, [name]: other } });
    };
    if (value !== undefined && Object.keys(rest).length > 0) {
      inputs.push({ what: `"${name}" is missing`, input: rest });
    }
    const type = typeOf(property, value);
    put(...OTHER_TYPE[type]);
    put("is null", null);
    for (const [what, edge] of edges(type, property, value)) put(what, edge);
  }
  inputs.push({ what: "a property too many", input: { ...base, surplus_property: "x" } });
  return inputs.slice(0, MOST.inputs);
}

type Type = "string" | "integer" | "number" | "boolean" | "array" | "object";

const OTHER_TYPE: Readonly<Record<Type, readonly [what: string, value: Json]>> = {
  string: ["is a number", 12_345],
  integer: ["is a text", "twelve"],
  number: ["is a text", "twelve"],
  boolean: ["is a text", "maybe"],
  array: ["is a text", "one, two"],
  object: ["is a list", [1, 2]],
};

function edges(
  type: Type,
  property: JsonObject,
  value: Json | undefined,
): readonly (readonly [what: string, value: Json])[] {
  switch (type) {
    case "string":
      return [["is empty", ""], [`has ${HUGE.characters} characters`, "x".repeat(HUGE.characters)]];
    case "integer":
      return [["is negative", -1], ["is zero", 0], [`is ${HUGE.integer}`, HUGE.integer]];
    case "number":
      return [["is negative", -1], ["is zero", 0], [`is ${HUGE.number}`, HUGE.number]];
    case "array": {
      const items = isObject(property["items"]) ? property["items"] : {};
      const item = (Array.isArray(value) ? value[0] as Json | undefined : undefined) ?? sample(items);
      const count = Math.min(HUGE.items, Math.floor(60_000 / (JSON.stringify(item).length + 1)));
      const many = Array.from({ length: count }, () => item);
      return [["is empty", []], [`has ${count} items`, many]];
    }
    case "object":
      return [["is empty", {}]];
    case "boolean":
      return [];
    default:
      return type satisfies never;
  }
}

/** The properties that a schema names; where it names none, those of the good input. */
function propertiesOf({ properties }: JsonSchema, base: JsonObject): Readonly<Record<string, JsonObject>> {
  const named = isObject(properties)
    ? Object.entries(properties)
    : Object.keys(base).map((name) => [name, {}] as const);
  return Object.fromEntries(named.map(([name, schema]) => [name, isObject(schema) ? schema : {}]));
}

function sampleObject({ properties, required }: JsonSchema): JsonObject {
  const must = Array.isArray(required) ? required as readonly Json[] : [];
  const named = isObject(properties) ? Object.entries(properties) : [];
  return Object.fromEntries(
    named.filter(([name]) => must.includes(name)).map(([name, schema]) => [
      name,
      sample(isObject(schema) ? schema : {}),
    ]),
  );
}

/** A value that fits a simple schema. */
function sample(schema: JsonObject): Json {
  const { default: byDefault, examples, enum: choices, const: only, minimum } = schema;
  if (byDefault !== undefined) return byDefault;
  if (only !== undefined) return only;
  for (const list of [examples, choices]) {
    if (Array.isArray(list) && list.length > 0) return list[0] as Json;
  }
  const type = typeOf(schema, undefined);
  if (type === "object") return sampleObject(schema);
  const least = typeof minimum === "number" ? minimum : 1;
  const simple = { string: "text", integer: Math.ceil(least), number: least, boolean: true, array: [] };
  return simple[type];
}

function typeOf({ type }: JsonObject, value: Json | undefined): Type {
  const said = Array.isArray(type) ? (type as readonly Json[]).find((one) => one !== "null") : type;
  if (typeof said === "string" && Object.hasOwn(OTHER_TYPE, said)) return said as Type;
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  if (typeof value === "boolean") return "boolean";
  return isObject(value) ? "object" : "string";
}
