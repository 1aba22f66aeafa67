import type { Json } from "../base/json.ts";
import { compileLinear } from "./linear-pattern.ts";
import type { SchemaProblem } from "./types.ts";

/** Steps of one run: a subschema applied to a value, or sixteen characters looked at. */
export const STEP_LIMIT = 250_000;

/** One look at a value. What it finds counts only if `steps` stayed within `STEP_LIMIT`. */
export interface Run {
  steps: number;
}

/** Tells everything in the value at `path` that does not fit. */
export type Check = (value: Json, path: string, run: Run) => readonly SchemaProblem[];

/** Nothing is wrong; one for all, since most values fit. */
export const NO_PROBLEMS: readonly SchemaProblem[] = [];

/** A test of texts against a pattern that `checkSchema` has accepted; counts the work. */
export function compilePattern(source: string): (text: string, run: Run) => boolean {
  const pattern = compileLinear(source);
  return (text, run) => {
    run.steps += text.length / 16;
    return run.steps <= STEP_LIMIT && typeof pattern !== "string" && pattern.test(text);
  };
}
