import { RE2JS } from "re2js";

/** A regular expression that runs in time linear in its input. */
export interface LinearPattern {
  /** Whether it matches anywhere in `text`. */
  test(text: string): boolean;
  /** Work of one character, in instructions at most. */
  readonly size: number;
}

const MAX_LENGTH = 1024;
const MAX_SIZE = 4096;

/**
 * Compiles a pattern in JavaScript's syntax, less what can't run in linear time: look-around and back references.
 *
 * @returns a reason when it is refused
 */
export function compileLinear(pattern: string): LinearPattern | string {
  if (pattern.length > MAX_LENGTH) {
    return `it is ${pattern.length} characters long, the limit is ${MAX_LENGTH}`;
  }
  try {
    const compiled = RE2JS.compile(RE2JS.translateRegExp(pattern));
    const size = compiled.programSize();
    if (size > MAX_SIZE) return "its repetitions are too large";
    return { size, test: (text) => compiled.test(text) };
  } catch (error) {
    return (error as Error).message;
  }
}
