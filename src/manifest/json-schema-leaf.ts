import { canonicalJson, isObject, type Json } from "../base/json.ts";
import { compilePattern, type Run } from "./json-schema-run.ts";
import type { JsonSchema } from "./types.ts";

const MAX_SHOWN = 60;

/** Says what is wrong with a value, if anything is. */
type Rule<Value> = (value: Value, run: Run) => string | undefined;

const NOTHING: readonly string[] = [];

/** What a value itself, whatever it holds, has wrong: type, fixed values, size, range, pattern. */
export function compileLeaf(schema: JsonSchema): (value: Json, run: Run) => readonly string[] {
  // A value of the wrong type, or none of those allowed, has nothing else that is worth telling.
  const first = present([typeRule(schema["type"]), valueRule(schema)]);
  const forNumber = numberRules(schema), forText = textRules(schema);
  const forArray = present([countRule(schema, "minItems", "maxItems", "items")]);
  const forObject = present([countRule(schema, "minProperties", "maxProperties", "keys")]);
  return (value, run) => {
    for (const rule of first) {
      const wrong = rule(value, run);
      if (wrong !== undefined) return [wrong];
    }
    if (typeof value === "number") return broken(forNumber, value, run);
    if (typeof value === "string") return broken(forText, value, run);
    if (Array.isArray(value)) return broken(forArray, value.length, run);
    if (forObject.length === 0 || !isObject(value)) return NOTHING;
    return broken(forObject, Object.keys(value).length, run);
  };
}

/** A value as a message shows it: `string "x"`, `array of 3`. Bounded. */
export function shown(value: Json): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return `array of ${value.length}`;
  if (typeof value === "object") return "object";
  const text = JSON.stringify(typeof value === "string" ? value.slice(0, MAX_SHOWN) : value);
  return `${typeof value} ${text}${typeof value === "string" && value.length > MAX_SHOWN ? "…" : ""}`;
}

function broken<Value>(rules: readonly Rule<Value>[], value: Value, run: Run): readonly string[] {
  return rules.length === 0 ? NOTHING : present(rules.map((rule) => rule(value, run)));
}

function present<Item>(items: readonly (Item | undefined)[]): readonly Item[] {
  return items.filter((item) => item !== undefined);
}

function typeRule(type: Json | undefined): Rule<Json> | undefined {
  if (type === undefined) return undefined;
  const types = (Array.isArray(type) ? type : [type]) as readonly string[];
  const fits = types.map((name) => TYPE_TESTS[name] ?? (() => false));
  return (value) =>
    fits.some((test) => test(value)) ? undefined : `expected ${types.join(" or ")}, got ${shown(value)}`;
}

const TYPE_TESTS: Readonly<Record<string, (value: Json) => boolean>> = {
  null: (value) => value === null,
  boolean: (value) => typeof value === "boolean",
  integer: (value) => Number.isInteger(value),
  number: (value) => typeof value === "number",
  string: (value) => typeof value === "string",
  array: (value) => Array.isArray(value),
  object: isObject,
};

function valueRule(schema: JsonSchema): Rule<Json> | undefined {
  const listed = Array.isArray(schema["enum"]) ? (schema["enum"] as readonly Json[]) : undefined;
  const fixed = schema["const"];
  if (listed === undefined && fixed === undefined) return undefined;
  const allowed = new Set(canonicalValues(listed, fixed));
  const told = toldValues(fixed === undefined ? (listed ?? []) : [fixed]);
  return (value, run) => {
    const text = canonicalJson(value);
    run.steps += text.length / 16;
    return allowed.has(text) ? undefined : `expected ${told}, got ${shown(value)}`;
  };
}

function toldValues(values: readonly Json[]): string {
  const told = values.slice(0, 10).map((item) => JSON.stringify(item).slice(0, MAX_SHOWN)).join(", ");
  return `${values.length === 1 ? "" : "one of "}${told}${values.length > 10 ? ", …" : ""}`;
}

/** What both `enum` and `const` allow. */
function canonicalValues(listed: readonly Json[] | undefined, fixed: Json | undefined): readonly string[] {
  const texts = listed?.map((item) => canonicalJson(item));
  if (fixed === undefined) return texts ?? [];
  const text = canonicalJson(fixed);
  return texts === undefined || texts.includes(text) ? [text] : [];
}

function numberRules(schema: JsonSchema): readonly Rule<number>[] {
  const bound = (
    key: string,
    fits: (value: number, limit: number) => boolean,
    words: string,
  ): Rule<number> | undefined => {
    const limit = schema[key];
    if (typeof limit !== "number") return undefined;
    return (value) => fits(value, limit) ? undefined : `must be ${words} ${limit}, got ${value}`;
  };
  return present([
    bound("minimum", (value, limit) => value >= limit, "at least"),
    bound("maximum", (value, limit) => value <= limit, "at most"),
    bound("exclusiveMinimum", (value, limit) => value > limit, "above"),
    bound("exclusiveMaximum", (value, limit) => value < limit, "below"),
    bound("multipleOf", isMultiple, "a multiple of"),
  ]);
}

/** 0.3 is a multiple of 0.1, whatever binary fractions say. */
function isMultiple(value: number, step: number): boolean {
  const quotient = value / step;
  return Math.abs(quotient - Math.round(quotient)) <= 1e-9 || (quotient === Infinity && value % step === 0);
}

function textRules(schema: JsonSchema): readonly Rule<string>[] {
  const length = countRule(schema, "minLength", "maxLength", "characters");
  return present([
    length === undefined ? undefined : (value: string, run: Run) => {
      run.steps += value.length / 16;
      let characters = 0;
      for (const _ of value) characters++;
      return length(characters, run);
    },
    patternRule(schema["pattern"]),
  ]);
}

function patternRule(pattern: Json | undefined): Rule<string> | undefined {
  if (typeof pattern !== "string") return undefined;
  const matches = compilePattern(pattern);
  return (value, run) =>
    matches(value, run) ? undefined : `must match the pattern ${pattern.slice(0, 200)}, got ${shown(value)}`;
}

function countRule(schema: JsonSchema, least: string, most: string, unit: string): Rule<number> | undefined {
  const low = schema[least] ?? 0, high = schema[most] ?? Infinity;
  if (typeof low !== "number" || typeof high !== "number") return undefined;
  if (low === 0 && high === Infinity) return undefined;
  return (count) => {
    if (count < low) return `expected at least ${low} ${unit}, got ${count}`;
    return count > high ? `expected at most ${high} ${unit}, got ${count}` : undefined;
  };
}
