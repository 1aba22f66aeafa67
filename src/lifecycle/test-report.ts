import type { SkillErrorValue } from "../base/errors.ts";
import type { Json } from "../base/json.ts";
import type { TestCase } from "../runner/types.ts";

/** An example of what a tool must do: given by the caller, or in `tests/examples.jsonl`. */
export interface Example {
  /** Absent: the default tool. */
  readonly tool?: string;
  readonly input: Json;
  readonly expected?: Json;
  /**
   * `equal`: JSON equal. `approx`: numbers within 1e-4 relative or 1e-3 absolute. `subset`: listed keys equal, extra
   * allowed. `error`: the call must fail. Default `equal`.
   */
  readonly compare?: "equal" | "approx" | "subset" | "error";
  readonly description?: string;
  /** Text files that the call finds below `in/`, by relative path. */
  readonly files?: Readonly<Record<string, string>>;
  /** Text files that it must leave below `out/`, letter for letter; further ones are allowed. */
  readonly artifacts?: Readonly<Record<string, string>>;
}

/** How a tool did on an example. */
export interface ExampleResult {
  readonly example: Example;
  readonly status: "passed" | "failed";
  readonly got?: Json;
  /** What came of the files that were expected, where it is not what was expected; null: no such file. */
  readonly artifacts?: Readonly<Record<string, string | null>>;
  readonly error?: SkillErrorValue;
  /** The end of what the skill printed, where the answer was wrong. */
  readonly log?: string;
}

/** What came of a call that no example asks for: the same input again, or one that the tool was not made for. */
export interface ProbeResult {
  readonly probe: "repeat" | "hostile";
  readonly tool: string;
  /** What was tried, in words. */
  readonly what: string;
  /** Left out where it is long. */
  readonly input?: Json;
  /** `noted`: no failure, but somebody should know. */
  readonly status: "passed" | "noted" | "failed";
  readonly message?: string;
  readonly error?: SkillErrorValue;
}

/** A sentence that should find a skill, or should not: a line of `tests/triggers.jsonl`. */
export interface TriggerTest {
  readonly text: string;
  readonly find: boolean;
  /** Among how many the skill counts as found. Default 3 where it should be found, 1 where it should not. */
  readonly top?: number | undefined;
}

/** Whether a sentence finds the skill as it should. */
export interface TriggerResult {
  readonly test: TriggerTest;
  /** `skipped`: no model, so that nothing can be said. */
  readonly status: "passed" | "failed" | "skipped";
  /** Where the skill stands; null when it isn't found at all. */
  readonly rank: number | null;
  readonly message?: string;
}

/** The result of testing one build. */
export interface TestReport {
  readonly passed: boolean;
  readonly handshake: { readonly ok: boolean; readonly error?: SkillErrorValue };
  /** The package's own `tests/test_*.py`. */
  readonly cases: readonly TestCase[];
  /** The package's own `tests/examples.jsonl`. */
  readonly examples: readonly ExampleResult[];
  /** Examples of the caller. */
  readonly given: readonly ExampleResult[];
  /** The package's own `tests/triggers.jsonl`; absent where none were tried. */
  readonly triggers?: readonly TriggerResult[];
  readonly health: { readonly ok: boolean; readonly error?: SkillErrorValue } | null;
  /** What goes beyond the examples; absent where it was not tried. */
  readonly probes?: readonly ProbeResult[];
  /** What was printed, but for what the caller's examples made it print. */
  readonly logs: string;
  readonly ms: number;
}
