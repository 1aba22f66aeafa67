import { canonicalJson, isObject, type Json } from "../base/json.ts";
import { nearest } from "../base/nearest.ts";
import { resolveReference } from "./json-schema-check.ts";
import { compileLeaf, shown } from "./json-schema-leaf.ts";
import { type Check, compilePattern, NO_PROBLEMS, type Run, STEP_LIMIT } from "./json-schema-run.ts";
import type { JsonSchema, SchemaProblem } from "./types.ts";

/** Problems of one value that are enough to tell. */
const ENOUGH = 20;
/** Characters told of each alternative that does not fit. */
const MAX_REASON = 200;

/** Makes the check of a schema that `checkSchema` has accepted. What the schema does not say costs a call nothing. */
export function compile(root: JsonSchema): Check {
  return new Compiler(root).check(root);
}

/** One subschema's keyword, or a few that belong together; absent when the schema does not use them. */
type Part = Check | undefined;

class Compiler {
  readonly #root: JsonSchema;
  /** Checks of what references lead to: a schema may lead back to itself inside the value. */
  readonly #targets = new Map<string, Check>();

  constructor(root: JsonSchema) {
    this.#root = root;
  }

  check(schema: Json): Check {
    if (!isObject(schema)) return schema === false ? refuseAll : acceptAll;
    const leaf = compileLeaf(schema);
    const inside = [
      this.#reference(schema),
      this.#items(schema),
      this.#uniqueItems(schema),
      this.#contains(schema),
      this.#properties(schema),
      this.#presence(schema),
      this.#dependents(schema),
      ...this.#combined(schema),
    ].filter((part) => part !== undefined);
    return (value, path, run) => {
      if (++run.steps > STEP_LIMIT) return NO_PROBLEMS;
      const wrong = leaf(value, run);
      // What is itself wrong has nothing inside that is worth telling.
      if (wrong.length > 0) return wrong.map((message) => ({ path, message }));
      return all(inside, value, path, run);
    };
  }

  #reference({ $ref: reference }: JsonSchema): Part {
    if (typeof reference !== "string") return undefined;
    return (value, path, run) => this.#target(reference)(value, path, run);
  }

  #target(reference: string): Check {
    const known = this.#targets.get(reference);
    if (known !== undefined) return known;
    const made = this.check(resolveReference(this.#root, reference) ?? false);
    this.#targets.set(reference, made);
    return made;
  }

  #items({ prefixItems, items }: JsonSchema): Part {
    const prefix = this.#list(prefixItems), rest = this.#optional(items);
    if (prefix.length === 0 && rest === undefined) return undefined;
    return (value, path, run) => {
      if (!Array.isArray(value)) return NO_PROBLEMS;
      const problems: SchemaProblem[] = [];
      for (const [index, item] of (value as readonly Json[]).entries()) {
        const check = prefix[index] ?? rest;
        if (check === undefined || problems.length >= ENOUGH || run.steps > STEP_LIMIT) break;
        problems.push(...check(item, `${path}[${index}]`, run));
      }
      return problems;
    };
  }

  #uniqueItems({ uniqueItems }: JsonSchema): Part {
    if (uniqueItems !== true) return undefined;
    return (value, path, run) =>
      Array.isArray(value) && hasTwins(value as readonly Json[], run)
        ? [{ path, message: "items must differ" }]
        : NO_PROBLEMS;
  }

  #contains({ contains, minContains: least = 1, maxContains: most = Infinity }: JsonSchema): Part {
    const check = this.#optional(contains);
    if (check === undefined || typeof least !== "number" || typeof most !== "number") return undefined;
    const range = most === Infinity ? `at least ${least}` : `${least} to ${most}`;
    return (value, path, run) => {
      if (!Array.isArray(value)) return NO_PROBLEMS;
      const count = (value as readonly Json[])
        .filter((item) => run.steps <= STEP_LIMIT && check(item, path, run).length === 0).length;
      if (count >= least && count <= most) return NO_PROBLEMS;
      return [{ path, message: `expected ${range} items that fit "contains", got ${count}` }];
    };
  }

  #properties(schema: JsonSchema): Part {
    const known = new Map(this.#map(schema["properties"]));
    const patterns = this.#map(schema["patternProperties"])
      .map(([source, check]) => [compilePattern(source), check] as const);
    const name = this.#optional(schema["propertyNames"]);
    const rest = this.#additional(schema["additionalProperties"], [...known.keys()]);
    if (known.size === 0 && patterns.length === 0 && name === undefined && rest === undefined) {
      return undefined;
    }
    const checksOf = (key: string, run: Run): readonly Check[] => {
      const own = known.get(key);
      const applied = patterns.filter(([matches]) => matches(key, run)).map(([, check]) => check);
      if (own !== undefined) return [own, ...applied];
      return applied.length > 0 || rest === undefined ? applied : [rest(key)];
    };
    const checkKey: KeyCheck = patterns.length === 0
      ? (key, value, path, run) => (known.get(key) ?? rest?.(key) ?? nothingSaid)(value, path, run)
      : (key, value, path, run) => all(checksOf(key, run), value, path, run);
    if (name === undefined) return eachKey(checkKey);
    return eachKey((key, value, path, run) => [
      ...name(key, "", run).map(({ message }) => ({ path, message: `its name: ${message}` })),
      ...checkKey(key, value, path, run),
    ]);
  }

  /** What a key is held to that no other keyword knows. */
  #additional(schema: Json | undefined, known: readonly string[]): ((key: string) => Check) | undefined {
    if (schema === false) return (key) => unknownKey(key, known);
    const check = this.#optional(schema);
    return check && (() => check);
  }

  #presence({ required, dependentRequired }: JsonSchema): Part {
    const always = names(required);
    const dependent = isObject(dependentRequired) ? Object.entries(dependentRequired) : [];
    if (always.length === 0 && dependent.length === 0) return undefined;
    return (value, path) => {
      if (!isObject(value)) return NO_PROBLEMS;
      const wanted = dependent.length === 0 ? always : [
        ...always,
        ...dependent.filter(([key]) => Object.hasOwn(value, key)).flatMap(([, others]) => names(others)),
      ];
      if (wanted.every((key) => Object.hasOwn(value, key))) return NO_PROBLEMS;
      return [...new Set(wanted)].filter((key) => !Object.hasOwn(value, key))
        .map((key) => ({ path: placeOf(path, key), message: "is required" }));
    };
  }

  #dependents({ dependentSchemas }: JsonSchema): Part {
    const checks = this.#map(dependentSchemas);
    if (checks.length === 0) return undefined;
    return (value, path, run) => {
      if (!isObject(value)) return NO_PROBLEMS;
      const applied = checks.filter(([key]) => Object.hasOwn(value, key)).map(([, check]) => check);
      return all(applied, value, path, run);
    };
  }

  #combined(schema: JsonSchema): readonly Part[] {
    return [
      ...this.#list(schema["allOf"]),
      this.#anyOf(this.#list(schema["anyOf"])),
      this.#oneOf(this.#list(schema["oneOf"])),
      this.#not(this.#optional(schema["not"])),
      this.#condition(schema),
    ];
  }

  #anyOf(checks: readonly Check[]): Part {
    if (checks.length === 0) return undefined;
    return (value, path, run) => {
      const misfits: (readonly SchemaProblem[])[] = [];
      for (const check of checks) {
        const found = check(value, path, run);
        if (found.length === 0) return NO_PROBLEMS;
        misfits.push(found);
      }
      return [noneFits(misfits, path)];
    };
  }

  #oneOf(checks: readonly Check[]): Part {
    if (checks.length === 0) return undefined;
    return (value, path, run) => {
      const found = checks.map((check) => check(value, path, run));
      const fitting = found.filter(({ length }) => length === 0).length;
      if (fitting === 0) return [noneFits(found, path)];
      if (fitting === 1) return NO_PROBLEMS;
      return [{ path, message: `fits ${fitting} alternatives, exactly one must fit` }];
    };
  }

  #not(check: Part): Part {
    return check &&
      ((value, path, run) =>
        check(value, path, run).length > 0
          ? NO_PROBLEMS
          : [{ path, message: `${shown(value)} is what the schema excludes by "not"` }]);
  }

  #condition(schema: JsonSchema): Part {
    const condition = this.#optional(schema["if"]);
    if (condition === undefined) return undefined;
    const yes = this.#optional(schema["then"]) ?? acceptAll, no = this.#optional(schema["else"]) ?? acceptAll;
    return (value, path, run) => (condition(value, path, run).length === 0 ? yes : no)(value, path, run);
  }

  #optional(schema: Json | undefined): Part {
    return schema === undefined ? undefined : this.check(schema);
  }

  #list(schemas: Json | undefined): readonly Check[] {
    return Array.isArray(schemas) ? (schemas as readonly Json[]).map((schema) => this.check(schema)) : [];
  }

  #map(schemas: Json | undefined): readonly (readonly [string, Check])[] {
    return isObject(schemas)
      ? Object.entries(schemas).map(([key, schema]) => [key, this.check(schema)] as const)
      : [];
  }
}

function acceptAll(_value: Json, _path: string, run: Run): readonly SchemaProblem[] {
  run.steps++;
  return NO_PROBLEMS;
}

/** The check of what no keyword speaks of. */
function nothingSaid(): readonly SchemaProblem[] {
  return NO_PROBLEMS;
}

function refuseAll(_value: Json, path: string, run: Run): readonly SchemaProblem[] {
  return ++run.steps > STEP_LIMIT ? NO_PROBLEMS : [{ path, message: "nothing is allowed here" }];
}

/** What all checks find. */
function all(checks: readonly Check[], value: Json, path: string, run: Run): readonly SchemaProblem[] {
  let found = NO_PROBLEMS;
  for (const check of checks) {
    const more = check(value, path, run);
    if (more.length > 0) found = found.length === 0 ? more : [...found, ...more];
  }
  return found;
}

/** Tells everything in the value of a key that does not fit. */
type KeyCheck = (key: string, ...rest: Parameters<Check>) => readonly SchemaProblem[];

/** A check of each key of an object, with its place. */
function eachKey(check: KeyCheck): Check {
  return (value, path, run) => {
    if (!isObject(value)) return NO_PROBLEMS;
    let found = NO_PROBLEMS;
    for (const key of Object.keys(value)) {
      if (found.length >= ENOUGH || run.steps > STEP_LIMIT) break;
      const more = check(key, value[key] as Json, placeOf(path, key), run);
      if (more.length > 0) found = [...found, ...more];
    }
    return found;
  };
}

function unknownKey(key: string, known: readonly string[]): Check {
  return (_value, path) => {
    const near = nearest(key.slice(0, 100), known);
    return [{ path, message: `unknown key${near === undefined ? "" : `, did you mean "${near}"?`}` }];
  };
}

function hasTwins(value: readonly Json[], run: Run): boolean {
  const seen = new Set(value.map((item) => canonicalJson(item)));
  for (const text of seen) run.steps += text.length / 16;
  return seen.size < value.length;
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

function placeOf(path: string, key: string): string {
  return path === "" ? key : `${path}.${key}`;
}

function names(value: Json | undefined): readonly string[] {
  return Array.isArray(value) ? (value as readonly string[]) : [];
}
