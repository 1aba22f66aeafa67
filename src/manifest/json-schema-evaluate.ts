import { canonicalJson, isObject, type Json } from "../base/json.ts";
import { nearest } from "../base/nearest.ts";
import { checkLeaf, shown } from "./json-schema-assertions.ts";
import { resolveReference } from "./json-schema-check.ts";
import { type Evaluation, matches, STEP_LIMIT } from "./json-schema-run.ts";
import type { JsonSchema, SchemaProblem } from "./types.ts";

const ENOUGH = 20;
/** Characters told of each alternative that does not fit. */
const MAX_REASON = 200;

/** Everything in `value` that does not fit `schema`; empty when it fits. */
export function evaluate(schema: Json, value: Json, path: string, run: Evaluation): readonly SchemaProblem[] {
  if (++run.steps > STEP_LIMIT) return [];
  if (schema === false) return [{ path, message: "nothing is allowed here" }];
  if (!isObject(schema)) return [];
  const wrongType = checkLeaf(schema, value, run);
  // a value of the wrong type has nothing inside that is worth telling
  if (wrongType.length > 0) return wrongType.map((message) => ({ path, message }));
  return [
    ...checkReference(schema, value, path, run),
    ...checkArray(schema, value, path, run),
    ...checkObject(schema, value, path, run),
    ...checkCombined(schema, value, path, run),
  ];
}

function checkReference(
  schema: JsonSchema,
  value: Json,
  path: string,
  run: Evaluation,
): readonly SchemaProblem[] {
  if (typeof schema["$ref"] !== "string") return [];
  return evaluate(resolveReference(run.root, schema["$ref"]) ?? false, value, path, run);
}

function checkArray(
  schema: JsonSchema,
  value: Json,
  path: string,
  run: Evaluation,
): readonly SchemaProblem[] {
  if (!Array.isArray(value)) return [];
  const problems: SchemaProblem[] = [];
  const prefix = Array.isArray(schema["prefixItems"]) ? (schema["prefixItems"] as readonly Json[]) : [];
  for (const [index, item] of value.entries()) {
    const applied = prefix[index] ?? (index < prefix.length ? true : schema["items"]);
    if (applied === undefined || problems.length >= ENOUGH || run.steps > STEP_LIMIT) break;
    problems.push(...evaluate(applied, item, `${path}[${index}]`, run));
  }
  if (schema["uniqueItems"] === true && hasTwins(value, run)) {
    problems.push({ path, message: "items must differ" });
  }
  return [...problems, ...checkContains(schema, value, path, run)];
}

function hasTwins(value: readonly Json[], run: Evaluation): boolean {
  const seen = new Set(value.map((item) => canonicalJson(item)));
  for (const text of seen) run.steps += text.length / 16;
  return seen.size < value.length;
}

function checkContains(
  schema: JsonSchema,
  value: readonly Json[],
  path: string,
  run: Evaluation,
): readonly SchemaProblem[] {
  const wanted = schema["contains"];
  if (wanted === undefined) return [];
  const count =
    value.filter((item) => run.steps <= STEP_LIMIT && evaluate(wanted, item, path, run).length === 0).length;
  const least = typeof schema["minContains"] === "number" ? schema["minContains"] : 1;
  const most = typeof schema["maxContains"] === "number" ? schema["maxContains"] : Infinity;
  if (count >= least && count <= most) return [];
  const range = most === Infinity ? `at least ${least}` : `${least} to ${most}`;
  return [{ path, message: `expected ${range} items that fit "contains", got ${count}` }];
}

function checkObject(
  schema: JsonSchema,
  value: Json,
  path: string,
  run: Evaluation,
): readonly SchemaProblem[] {
  if (!isObject(value)) return [];
  const problems: SchemaProblem[] = [];
  for (const [key, item] of Object.entries(value)) {
    if (problems.length >= ENOUGH || run.steps > STEP_LIMIT) break;
    problems.push(...checkProperty(schema, key, item, path, run));
  }
  return [...problems, ...checkPresence(schema, value, path), ...checkDependents(schema, value, path, run)];
}

function checkProperty(
  schema: JsonSchema,
  key: string,
  value: Json,
  path: string,
  run: Evaluation,
): readonly SchemaProblem[] {
  const place = path === "" ? key : `${path}.${key}`;
  const names = schema["propertyNames"] === undefined ? [] : evaluate(schema["propertyNames"], key, "", run);
  const problems = names.map(({ message }) => ({ path: place, message: `its name: ${message}` }));
  const known = isObject(schema["properties"]) ? schema["properties"] : {};
  const own = Object.hasOwn(known, key) ? known[key] : undefined;
  const byPattern = Object.entries(isObject(schema["patternProperties"]) ? schema["patternProperties"] : {})
    .filter(([pattern]) => matches(pattern, key, run)).map(([, found]) => found);
  for (const applied of own === undefined ? byPattern : [own, ...byPattern]) {
    problems.push(...evaluate(applied, value, place, run));
  }
  const rest = schema["additionalProperties"];
  if (own !== undefined || byPattern.length > 0 || rest === undefined) return problems;
  if (rest !== false) return [...problems, ...evaluate(rest, value, place, run)];
  const near = nearest(key.slice(0, 100), Object.keys(known));
  return [...problems, {
    path: place,
    message: `unknown key${near === undefined ? "" : `, did you mean "${near}"?`}`,
  }];
}

function checkPresence(
  schema: JsonSchema,
  value: { readonly [key: string]: Json },
  path: string,
): readonly SchemaProblem[] {
  const required = new Set(names(schema["required"]));
  for (
    const [key, others] of Object.entries(
      isObject(schema["dependentRequired"]) ? schema["dependentRequired"] : {},
    )
  ) {
    if (Object.hasOwn(value, key)) names(others).forEach((name) => required.add(name));
  }
  return [...required].filter((name) => !Object.hasOwn(value, name))
    .map((name) => ({ path: path === "" ? name : `${path}.${name}`, message: "is required" }));
}

function names(value: Json | undefined): readonly string[] {
  return Array.isArray(value) ? (value as readonly string[]) : [];
}

function checkDependents(
  schema: JsonSchema,
  value: { readonly [key: string]: Json },
  path: string,
  run: Evaluation,
): readonly SchemaProblem[] {
  return Object.entries(isObject(schema["dependentSchemas"]) ? schema["dependentSchemas"] : {})
    .filter(([key]) => Object.hasOwn(value, key))
    .flatMap(([, applied]) => evaluate(applied, value, path, run));
}

function checkCombined(
  schema: JsonSchema,
  value: Json,
  path: string,
  run: Evaluation,
): readonly SchemaProblem[] {
  const problems: SchemaProblem[] = [];
  for (const part of list(schema["allOf"])) problems.push(...evaluate(part, value, path, run));
  problems.push(...checkAlternatives(schema, value, path, run));
  if (schema["not"] !== undefined && evaluate(schema["not"], value, path, run).length === 0) {
    problems.push({ path, message: `${shown(value)} is what the schema excludes by "not"` });
  }
  if (schema["if"] !== undefined) {
    const branch = schema[evaluate(schema["if"], value, path, run).length === 0 ? "then" : "else"];
    if (branch !== undefined) problems.push(...evaluate(branch, value, path, run));
  }
  return problems;
}

function checkAlternatives(
  schema: JsonSchema,
  value: Json,
  path: string,
  run: Evaluation,
): readonly SchemaProblem[] {
  const problems: SchemaProblem[] = [];
  if (schema["anyOf"] !== undefined) {
    const misfits: (readonly SchemaProblem[])[] = [];
    for (const part of list(schema["anyOf"])) {
      const found = evaluate(part, value, path, run);
      if (found.length === 0) break;
      misfits.push(found);
    }
    if (misfits.length === list(schema["anyOf"]).length) problems.push(noneFits(misfits, path));
  }
  if (schema["oneOf"] !== undefined) {
    const found = list(schema["oneOf"]).map((part) => evaluate(part, value, path, run));
    const fitting = found.filter(({ length }) => length === 0).length;
    if (fitting === 0) problems.push(noneFits(found, path));
    if (fitting > 1) problems.push({ path, message: `fits ${fitting} alternatives, exactly one must fit` });
  }
  return problems;
}

function noneFits(misfits: readonly (readonly SchemaProblem[])[], path: string): SchemaProblem {
  const reasons = misfits.slice(0, 4).map(([first]) => {
    if (first === undefined) return "";
    const reason = first.path === path ? first.message : `${first.path}: ${first.message}`;
    return reason.slice(0, MAX_REASON);
  });
  return {
    path,
    message: `fits none of ${misfits.length} alternatives: ${[...new Set(reasons)].join("; or ")}`,
  };
}

function list(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : [];
}
