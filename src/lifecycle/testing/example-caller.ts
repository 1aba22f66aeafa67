import { SkillError, type SkillErrorCode, type SkillErrorValue } from "../../base/errors.ts";
import type { Runner, SkillProgram } from "../../runner/types.ts";
import { ToolCaller } from "../programs/call-tool.ts";
import { toolTimeout } from "../programs/program.ts";
import type { HomeSettings } from "../storage/home-settings.ts";
import type { Example, ExampleResult } from "../test-report.ts";
import type { ResolvedManifest } from "../types.ts";
import { type ExampleAnswer, exampleFiles, judgeExample } from "../validation/examples.ts";

/** After so many examples in a row that cost the process its life, the others are not tried. */
const HOPELESS = 5;
/** All examples together, in milliseconds. */
const EXAMPLES_MS = 300_000;
/** Characters of what was printed that are kept of a wrong answer. */
const MOST_LOG = 1_500;
const PROCESS_LOST: ReadonlySet<SkillErrorCode> = new Set([
  "handshake_failed",
  "limit_exceeded",
  "process_died",
  "protocol_error",
  "start_failed",
  "timeout",
]);
/** What says nothing about the skill: the test could not be made. */
const NO_VERDICT: ReadonlySet<SkillErrorCode> = new Set([
  "cancelled",
  "closed",
  "queue_full",
  "sandbox_unavailable",
]);

const NOT_TRIED: SkillErrorValue = {
  code: "limit_exceeded",
  message: "not tried: the examples before it kept ending the process, or took too long",
};

/** The error as data. Thrown on when it says nothing about the skill. */
export function failureOf(error: unknown): SkillErrorValue {
  if (!SkillError.isInstance(error) || NO_VERDICT.has(error.code)) throw error;
  return error.toValue();
}

/** Calls a build's tools with examples, one after the other. */
export class ExampleCaller {
  readonly tools: ToolCaller;
  readonly #runner: Runner;
  readonly #subject: {
    readonly program: SkillProgram;
    readonly resolved: ResolvedManifest;
    readonly settings: HomeSettings;
  };
  readonly #signal: AbortSignal | undefined;
  readonly #deadline = performance.now() + EXAMPLES_MS;
  #logs: string[] = [];
  #lost = 0;

  constructor(
    runner: Runner,
    subject: {
      readonly program: SkillProgram;
      readonly resolved: ResolvedManifest;
      readonly settings: HomeSettings;
    },
    signal: AbortSignal | undefined,
  ) {
    this.#runner = runner;
    this.#subject = subject;
    this.tools = new ToolCaller(runner, subject.resolved);
    this.#signal = signal;
  }

  /** Whether it is not worth the time to call once more. */
  get isHopeless(): boolean {
    return this.#lost > 0 || performance.now() > this.#deadline;
  }

  /** What was printed since this was asked last. */
  takeLogs(): readonly string[] {
    return this.#logs.splice(0);
  }

  async run(
    examples: readonly Example[],
    onResult?: (result: ExampleResult) => void,
  ): Promise<readonly ExampleResult[]> {
    const results: ExampleResult[] = [];
    for (const example of examples) {
      const result = await this.#tried(example);
      results.push(result);
      onResult?.(result);
    }
    return results;
  }

  /** @param most_ms shortens the time that the tool has */
  async answer(example: Example, most_ms: number = Infinity): Promise<ExampleAnswer> {
    const { program, resolved, settings } = this.#subject;
    const tool = example.tool ?? resolved.default_tool;
    const timeout_ms = Math.min(most_ms, toolTimeout(resolved, tool, settings) * 1000);
    const signal = this.#signal === undefined ? {} : { signal: this.#signal };
    try {
      const { value, artifacts, logs } = await this.tools.call(program, {
        tool,
        input: example.input,
        timeout_ms,
        ...exampleFiles(example),
        ...signal,
      });
      this.#lost = 0;
      if (logs !== "") this.#logs.push(logs);
      return { value, artifacts };
    } catch (error) {
      const value = failureOf(error);
      if (PROCESS_LOST.has(value.code)) {
        this.#lost++;
        // The next example gets a fresh process at once, not after a pause.
        await this.#runner.stop(program.key);
      }
      return { error: value };
    }
  }

  async #tried(example: Example): Promise<ExampleResult> {
    if (this.#lost >= HOPELESS || performance.now() > this.#deadline) {
      return { example, status: "failed", error: NOT_TRIED };
    }
    const before = this.#logs.length;
    const result = judgeExample(example, await this.answer(example));
    const log = this.#logs.slice(before).join("");
    return result.status === "passed" || log === "" ? result : { ...result, log: log.slice(-MOST_LOG) };
  }
}
