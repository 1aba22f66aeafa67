import { compileLinear, type LinearPattern } from "./linear-pattern.ts";
import type { JsonSchema } from "./types.ts";

/** Steps of one evaluation: a subschema applied to a value, or sixteen characters looked at. */
export const STEP_LIMIT = 250_000;

/** One evaluation of a value. Its answer counts only if `steps` stayed within `STEP_LIMIT`. */
export interface Evaluation {
  readonly root: JsonSchema;
  /** Kept from one evaluation to the next. */
  readonly memory: {
    readonly patterns: Map<string, LinearPattern>;
    /** Canonical texts of the values of an `enum` or `const`, by the subschema that holds it. */
    readonly values: WeakMap<object, ReadonlySet<string>>;
  };
  steps: number;
}

/** Whether `text` matches a pattern that `checkSchema` has accepted; counts the work. */
export function matches(source: string, text: string, run: Evaluation): boolean {
  const known = run.memory.patterns.get(source) ?? compileLinear(source);
  if (typeof known === "string") return false;
  run.memory.patterns.set(source, known);
  run.steps += text.length / 16;
  return run.steps <= STEP_LIMIT && known.test(text);
}
