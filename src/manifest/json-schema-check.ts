import { Buffer } from "node:buffer";
import { SkillError } from "../base/errors.ts";
import { isObject, type Json } from "../base/json.ts";
import { nearest } from "../base/nearest.ts";
import { compileLinear } from "./linear-pattern.ts";
import type { JsonSchema } from "./types.ts";

/** Bounds of a schema from a stranger. */
export const SCHEMA_LIMITS: Readonly<Record<"bytes" | "depth" | "nodes" | "references", number>> = {
  bytes: 32 * 1024,
  depth: 16,
  nodes: 1000,
  references: 100,
};

/** JSON Schema's names of types. */
export const SCHEMA_TYPES: readonly string[] = [
  "null",
  "boolean",
  "integer",
  "number",
  "string",
  "array",
  "object",
];

type Shape = "schema" | "schemas" | "map" | "count" | "number" | "boolean" | "text" | "names" | "dependents";

/** Keywords that are checked, by the shape of their value. What is not here is an annotation. */
const SHAPES: Readonly<Record<Shape, readonly string[]>> = {
  schema: ["additionalProperties", "propertyNames", "items", "contains", "not", "if", "then", "else"],
  schemas: ["prefixItems", "anyOf", "oneOf", "allOf"],
  map: ["$defs", "definitions", "properties", "patternProperties", "dependentSchemas"],
  count: [
    "minProperties",
    "maxProperties",
    "minItems",
    "maxItems",
    "minContains",
    "maxContains",
    "minLength",
    "maxLength",
  ],
  number: ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"],
  boolean: ["uniqueItems"],
  text: ["$ref", "pattern", "description", "title"],
  names: ["required"],
  dependents: ["dependentRequired"],
};
const SHAPE_OF: ReadonlyMap<string, Shape> = new Map(
  Object.entries(SHAPES).flatMap(([shape, keys]) => keys.map((key) => [key, shape as Shape])),
);
/** Keywords that would constrain a value and are not understood: ignoring them would let wrong values pass. */
const REFUSED = [
  "unevaluatedProperties",
  "unevaluatedItems",
  "$dynamicRef",
  "$recursiveRef",
  "dependencies",
  "additionalItems",
];

/**
 * Checks a JSON Schema that a stranger wrote: at most 32 KB, 16 levels, 1000 subschemas; references only to
 * `#/$defs/…`, at most 100, and never back to themselves without going into the value; patterns that run in linear
 * time; keywords with values of the right shape.
 *
 * @param what shown in errors, like `tools[0].input_schema`
 * @throws {SkillError} `invalid_manifest` naming the place inside the schema
 */
export function checkSchema(schema: unknown, what: string): JsonSchema {
  if (typeof schema !== "object" || schema === null || Array.isArray(schema)) {
    throw new SkillError(
      "invalid_manifest",
      `${what} must be a JSON Schema object, found ${JSON.stringify(schema) ?? "nothing"}`,
      {
        fix: '{ type = "object", properties = { … } }',
      },
    );
  }
  const walk: Walk = { what, root: schema as JsonSchema, nodes: 0, references: [] };
  checkDepth(schema, 0, walk);
  const size = Buffer.byteLength(JSON.stringify(schema));
  if (size > SCHEMA_LIMITS.bytes) {
    refuse(walk, "", `is ${size} bytes long, the limit is ${SCHEMA_LIMITS.bytes}`);
  }
  checkNode(schema as Json, "", walk);
  for (const reference of walk.references) checkLoop(reference, walk, new Map());
  return schema as JsonSchema;
}

/** The subschema that a local reference points at. */
export function resolveReference(root: JsonSchema, reference: string): Json | undefined {
  if (reference === "#") return root;
  const match = /^#\/(\$defs|definitions)\/([^/]+)$/.exec(reference);
  const definitions = match === null ? undefined : root[match[1] ?? ""];
  const name = decoded(match?.[2] ?? "").replaceAll("~1", "/").replaceAll("~0", "~");
  return isObject(definitions) && Object.hasOwn(definitions, name) ? definitions[name] : undefined;
}

/** A part of a JSON pointer as a URI's fragment writes it. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

interface Walk {
  readonly what: string;
  readonly root: JsonSchema;
  nodes: number;
  readonly references: string[];
}

function checkDepth(value: unknown, depth: number, walk: Walk): void {
  // a level of the schema is two of the data: `properties` and the name
  if (depth > SCHEMA_LIMITS.depth * 2) {
    refuse(walk, "", `is nested deeper than ${SCHEMA_LIMITS.depth} levels`);
  }
  if (typeof value !== "object" || value === null) return;
  for (const item of Object.values(value)) checkDepth(item, depth + 1, walk);
}

function checkNode(node: Json, path: string, walk: Walk): void {
  if (typeof node === "boolean") return;
  if (!isObject(node)) refuse(walk, path, `must be a schema, found ${JSON.stringify(node)}`);
  if (++walk.nodes > SCHEMA_LIMITS.nodes) refuse(walk, "", `has more than ${SCHEMA_LIMITS.nodes} subschemas`);
  for (const [key, value] of Object.entries(node)) checkKeyword(key, value, `${path}/${key}`, walk);
  if (node["type"] !== undefined) checkType(node["type"], `${path}/type`, walk);
  if (node["enum"] !== undefined && !Array.isArray(node["enum"])) {
    refuse(walk, `${path}/enum`, "must be a list");
  }
}

function checkKeyword(key: string, value: Json, path: string, walk: Walk): void {
  if (REFUSED.includes(key)) {
    refuse(walk, path, "is a keyword that is not supported", "Say it with properties, items, anyOf or allOf");
  }
  const shape = SHAPE_OF.get(key);
  switch (shape) {
    case undefined:
      return;
    case "schema":
      return checkNode(value, path, walk);
    case "schemas":
      if (!Array.isArray(value) || value.length === 0) refuse(walk, path, "must be a list of schemas");
      return value.forEach((item, index) => checkNode(item, `${path}/${index}`, walk));
    case "map":
      if (!isObject(value)) refuse(walk, path, "must map names to schemas");
      if (key === "patternProperties") {
        Object.keys(value).forEach((source) => checkPattern(source, path, walk));
      }
      return Object.entries(value).forEach(([name, item]) => checkNode(item, `${path}/${name}`, walk));
    case "names":
      if (!isNames(value)) refuse(walk, path, "must be a list of names");
      return;
    case "dependents":
      if (!isObject(value) || !Object.values(value).every(isNames)) {
        refuse(walk, path, "must map names to lists of names");
      }
      return;
    case "text":
      return checkText(key, value, path, walk);
    case "boolean":
      if (typeof value !== "boolean") {
        refuse(walk, path, `must be true or false, found ${JSON.stringify(value)}`);
      }
      return;
    case "count":
    case "number":
      return checkNumber(key, value, shape, path, walk);
  }
}

function checkNumber(key: string, value: Json, shape: "count" | "number", path: string, walk: Walk): void {
  if (typeof value !== "number") refuse(walk, path, `must be a number, found ${JSON.stringify(value)}`);
  if (shape === "count" && (!Number.isInteger(value) || value < 0)) {
    refuse(walk, path, `must be a whole number from 0, found ${value}`);
  }
  if (key === "multipleOf" && value <= 0) refuse(walk, path, `must be above 0, found ${value}`);
}

function checkText(key: string, value: Json, path: string, walk: Walk): void {
  if (typeof value !== "string") refuse(walk, path, `must be text, found ${JSON.stringify(value)}`);
  if (key === "pattern") checkPattern(value, path, walk);
  if (key !== "$ref") return;
  if (walk.references.push(value) > SCHEMA_LIMITS.references) {
    refuse(walk, "", `has more than ${SCHEMA_LIMITS.references} references`);
  }
  if (resolveReference(walk.root, value) === undefined) {
    refuse(
      walk,
      path,
      `"${value.slice(0, 80)}" points at nothing`,
      'Refer to "#/$defs/<name>" of the same schema',
    );
  }
}

function checkPattern(source: string, path: string, walk: Walk): void {
  const pattern = compileLinear(source);
  if (typeof pattern !== "string") return;
  refuse(
    walk,
    path,
    `pattern ${JSON.stringify(source.slice(0, 80))} is refused: ${pattern}`,
    "Use a pattern without look-around, back references and large repetitions",
  );
}

function checkType(type: Json, path: string, walk: Walk): void {
  const names = Array.isArray(type) ? type : [type];
  const wrong = names.find((name) => typeof name !== "string" || !SCHEMA_TYPES.includes(name));
  if (wrong === undefined && names.length > 0) return;
  const near = typeof wrong === "string" ? nearest(PYTHON_TYPES[wrong] ?? wrong, SCHEMA_TYPES) : undefined;
  const hint = near === undefined ? `Use one of ${SCHEMA_TYPES.join(", ")}` : `Did you mean "${near}"?`;
  refuse(walk, path, `${JSON.stringify(wrong ?? type)} is not a type`, hint);
}

/** What people who think in Python write. */
const PYTHON_TYPES: Readonly<Record<string, string>> = {
  int: "integer",
  float: "number",
  str: "string",
  bool: "boolean",
  list: "array",
  dict: "object",
  None: "null",
};

function isNames(value: Json): boolean {
  return Array.isArray(value) && value.every((name) => typeof name === "string");
}

/** Every reference that applies to the same value as `node` does. */
function references(node: Json): readonly string[] {
  if (!isObject(node)) return [];
  const own = typeof node["$ref"] === "string" ? [node["$ref"]] : [];
  const lists = ["anyOf", "oneOf", "allOf"].flatMap((
    key,
  ) => (Array.isArray(node[key]) ? node[key] as readonly Json[] : []));
  const single = ["not", "if", "then", "else"].flatMap((key) => (node[key] === undefined ? [] : [node[key]]));
  const dependent = isObject(node["dependentSchemas"]) ? Object.values(node["dependentSchemas"]) : [];
  return [...own, ...[...lists, ...single, ...dependent].flatMap(references)];
}

/** Refuses a reference that comes back to itself without going into the value: it would never end. */
function checkLoop(reference: string, walk: Walk, state: Map<string, "open" | "done">): void {
  if (state.get(reference) === "done") return;
  if (state.get(reference) === "open") {
    refuse(walk, "", `"${reference.slice(0, 80)}" refers to itself in a circle`);
  }
  state.set(reference, "open");
  for (const next of references(resolveReference(walk.root, reference) ?? true)) checkLoop(next, walk, state);
  state.set(reference, "done");
}

function refuse(walk: Walk, path: string, problem: string, fix?: string): never {
  const place = path === "" ? walk.what : `${walk.what} at ${path.slice(0, 200)}`;
  throw new SkillError("invalid_manifest", `${place} ${problem}`, {
    ...(fix === undefined ? {} : { fix }),
    details: { schema_path: path.slice(0, 200) },
  });
}
