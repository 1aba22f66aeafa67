import type { Json } from "../base/json.ts";
import { checkSchema } from "./json-schema-check.ts";
import { compile } from "./json-schema-compile.ts";
import { type Run, STEP_LIMIT } from "./json-schema-run.ts";
import type { SchemaProblem } from "./types.ts";

/** What a compiled schema says of a value. Never throws. */
export type SchemaCheck =
  | { readonly ok: true; readonly value: Json }
  | { readonly ok: false; readonly problems: readonly SchemaProblem[] };

const MAX_VALUE_DEPTH = 64;
const MAX_PROBLEMS = 20;

/**
 * Makes a check of values out of a JSON Schema (draft 2020-12) that a stranger wrote. Patterns run in linear time, and
 * the whole check has a budget of steps, because a few dozen nested `anyOf` already mean 2^30 of them: general
 * validators, zod's `fromJSONSchema` among them, have no such bound. `format` is not asserted and `default` not filled
 * in; the value that comes back is the one that went in.
 *
 * @throws {SkillError} `invalid_manifest` when the schema itself is refused, see `checkSchema`
 */
export function compileSchema(schema: unknown, what = "the schema"): (value: unknown) => SchemaCheck {
  const check = compile(checkSchema(schema, what));
  return (value) => {
    const foreign = notJson(value, 0);
    if (foreign !== undefined) return { ok: false, problems: [foreign] };
    const run: Run = { steps: 0 };
    const problems = check(value as Json, "", run);
    if (run.steps > STEP_LIMIT) {
      return {
        ok: false,
        problems: [{ path: "", message: "the value is too large to be checked against its schema" }],
      };
    }
    if (problems.length === 0) return { ok: true, value: value as Json };
    return { ok: false, problems: problems.slice(0, MAX_PROBLEMS) };
  };
}

/** Problems as one text that a model can act on: `number: expected integer, got string "x"; …`. */
export function describeProblems(problems: readonly SchemaProblem[]): string {
  return problems.map(({ path, message }) => (path === "" ? message : `${path}: ${message}`)).join("; ");
}

/** What in a value JSON can't carry. Paths are made only where something is wrong. */
function notJson(value: unknown, depth: number): SchemaProblem | undefined {
  if (depth > MAX_VALUE_DEPTH) return TOO_DEEP;
  if (value === null || typeof value === "boolean" || typeof value === "string") return undefined;
  if (typeof value === "number" && Number.isFinite(value)) return undefined;
  if (typeof value !== "object") {
    const what = typeof value === "number" ? String(value) : typeof value;
    return { path: "", message: `${what} is not a JSON value` };
  }
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      const problem = notJson(value[index], depth + 1);
      if (problem !== undefined) return inside(problem, `[${index}]`);
    }
    return undefined;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    return { path: "", message: "not a plain JSON object" };
  }
  for (const key of Object.keys(value)) {
    const problem = notJson((value as Readonly<Record<string, unknown>>)[key], depth + 1);
    if (problem !== undefined) return inside(problem, key);
  }
  return undefined;
}

const TOO_DEEP: SchemaProblem = { path: "", message: `nested deeper than ${MAX_VALUE_DEPTH} levels` };

/** A problem as whoever holds the value sees it. */
function inside(problem: SchemaProblem, place: string): SchemaProblem {
  if (problem === TOO_DEEP) return problem;
  const { path, message } = problem;
  return { path: path === "" || path.startsWith("[") ? `${place}${path}` : `${place}.${path}`, message };
}
