import { canonicalJson, isObject, type Json } from "../base/json.ts";
import { type Evaluation, matches } from "./json-schema-run.ts";
import type { JsonSchema } from "./types.ts";

const MAX_SHOWN = 60;

/** What a value itself, whatever it holds, has wrong: type, fixed values, size, range, pattern. */
export function checkLeaf(schema: JsonSchema, value: Json, run: Evaluation): readonly string[] {
  const wrong = wrongType(schema["type"], value) ?? wrongValue(schema, value, run);
  if (wrong !== undefined) return [wrong];
  if (typeof value === "number") return wrongNumber(schema, value);
  if (typeof value === "string") return wrongText(schema, value, run);
  if (Array.isArray(value)) return wrongCount(schema, value.length, ["minItems", "maxItems"], "items");
  if (!isObject(value)) return [];
  return wrongCount(schema, Object.keys(value).length, ["minProperties", "maxProperties"], "keys");
}

/** A value as a message shows it: `string "x"`, `array of 3`. Bounded. */
export function shown(value: Json): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return `array of ${value.length}`;
  if (typeof value === "object") return "object";
  const text = JSON.stringify(typeof value === "string" ? value.slice(0, MAX_SHOWN) : value);
  return `${typeof value} ${text}${typeof value === "string" && value.length > MAX_SHOWN ? "…" : ""}`;
}

function wrongType(type: Json | undefined, value: Json): string | undefined {
  if (type === undefined) return undefined;
  const types = (Array.isArray(type) ? type : [type]) as readonly string[];
  return types.some((name) => isOfType(name, value))
    ? undefined
    : `expected ${types.join(" or ")}, got ${shown(value)}`;
}

function isOfType(type: string, value: Json): boolean {
  switch (type) {
    case "null":
      return value === null;
    case "integer":
      return Number.isInteger(value);
    case "array":
      return Array.isArray(value);
    case "object":
      return isObject(value);
    default:
      return typeof value === type;
  }
}

function wrongValue(schema: JsonSchema, value: Json, run: Evaluation): string | undefined {
  const allowed = Array.isArray(schema["enum"]) ? (schema["enum"] as readonly Json[]) : undefined;
  const fixed = schema["const"];
  if (allowed === undefined && fixed === undefined) return undefined;
  const text = canonicalJson(value);
  run.steps += text.length / 16;
  const known = run.memory.values.get(schema) ?? new Set(canonicalValues(allowed, fixed));
  run.memory.values.set(schema, known);
  if (known.has(text)) return undefined;
  const values = fixed === undefined ? (allowed ?? []) : [fixed];
  const listed = values.slice(0, 10).map((item) => JSON.stringify(item).slice(0, MAX_SHOWN)).join(", ");
  return `expected ${values.length === 1 ? "" : "one of "}${listed}${values.length > 10 ? ", …" : ""}, got ${
    shown(value)
  }`;
}

/** What both `enum` and `const` allow. */
function canonicalValues(allowed: readonly Json[] | undefined, fixed: Json | undefined): readonly string[] {
  const listed = allowed?.map((item) => canonicalJson(item));
  if (fixed === undefined) return listed ?? [];
  const text = canonicalJson(fixed);
  return listed === undefined || listed.includes(text) ? [text] : [];
}

function wrongNumber(schema: JsonSchema, value: number): readonly string[] {
  const problems: string[] = [];
  const bound = (key: string, fits: (limit: number) => boolean, words: string) => {
    const limit = schema[key];
    if (typeof limit === "number" && !fits(limit)) problems.push(`must be ${words} ${limit}, got ${value}`);
  };
  bound("minimum", (limit) => value >= limit, "at least");
  bound("maximum", (limit) => value <= limit, "at most");
  bound("exclusiveMinimum", (limit) => value > limit, "above");
  bound("exclusiveMaximum", (limit) => value < limit, "below");
  bound("multipleOf", (step) => isMultiple(value, step), "a multiple of");
  return problems;
}

/** 0.3 is a multiple of 0.1, whatever binary fractions say. */
function isMultiple(value: number, step: number): boolean {
  const quotient = value / step;
  return Math.abs(quotient - Math.round(quotient)) <= 1e-9 || (quotient === Infinity && value % step === 0);
}

function wrongText(schema: JsonSchema, value: string, run: Evaluation): readonly string[] {
  const problems: string[] = [];
  if (schema["minLength"] !== undefined || schema["maxLength"] !== undefined) {
    run.steps += value.length / 16;
    let length = 0;
    for (const _ of value) length++;
    problems.push(...wrongCount(schema, length, ["minLength", "maxLength"], "characters"));
  }
  const pattern = schema["pattern"];
  if (typeof pattern === "string" && !matches(pattern, value, run)) {
    problems.push(`must match the pattern ${pattern.slice(0, 200)}, got ${shown(value)}`);
  }
  return problems;
}

function wrongCount(
  schema: JsonSchema,
  count: number,
  [least, most]: readonly [string, string],
  unit: string,
): readonly string[] {
  const low = schema[least], high = schema[most];
  if (typeof low === "number" && count < low) return [`expected at least ${low} ${unit}, got ${count}`];
  if (typeof high === "number" && count > high) return [`expected at most ${high} ${unit}, got ${count}`];
  return [];
}
