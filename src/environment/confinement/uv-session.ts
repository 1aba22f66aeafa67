import { Buffer } from "node:buffer";
import { randomUUID } from "node:crypto";
import { BoundedText } from "../../base/bounded-text.ts";
import { SkillError } from "../../base/errors.ts";
import { spawnPlan } from "../../sandbox/process/spawn.ts";
import type { SandboxedProcess, SandboxPlan } from "../../sandbox/types.ts";
import type { ToolResult } from "../toolchain/run-tool.ts";

/** A program to be run in a session. */
export interface SessionRun {
  /** Absolute path, as it is seen inside. */
  readonly program: string;
  readonly args: readonly string[];
  /** The whole environment. It travels on a private pipe, so it may hold credentials. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly timeout_ms: number;
  readonly signal?: AbortSignal | undefined;
}

const MAX_OUTPUT_BYTES = 256 * 1024;
const START_TIMEOUT_MS = 20_000;

/**
 * A confined process that runs one program after another, as long as the host lives. When the session is closed, when
 * a run is cancelled or takes too long, and when the host ends in whatever way, all of its processes end.
 */
export class UvSession {
  readonly #process: SandboxedProcess;
  readonly #mark: Buffer;
  #output = new BoundedText(MAX_OUTPUT_BYTES);
  /** The end of what was printed: a mark may not be complete yet. */
  #rest: Buffer = Buffer.alloc(0);
  #answered: (code: number) => void = () => {};

  private constructor(process: SandboxedProcess, mark: string) {
    this.#process = process;
    this.#mark = Buffer.from(`\0${mark} `);
    process.stderr.on("data", (chunk: Buffer) => this.#take(chunk));
    process.stdout.resume();
  }

  /**
   * Starts it. Resolves when everything that the plan asks for is in force.
   *
   * @throws {SkillError} `start_failed` with what is in the way, `sandbox_unavailable` in a worker thread, `cancelled`
   */
  static async open(plan: SandboxPlan, signal?: AbortSignal): Promise<UvSession> {
    const mark = randomUUID();
    const session = new UvSession(spawnPlan(plan), mark);
    const started = session.#answer(START_TIMEOUT_MS, signal, "the installer's sandbox");
    session.#process.handOver({ launch: { mark } });
    const { code, stderr } = await started;
    if (code === 0) return session;
    await session.#process.exited;
    // It says more when the process ended before it was ready.
    await session.#process.ready;
    const said = stderr.trim().split("\n").at(-1) ?? "";
    throw new SkillError("start_failed", said === "" ? "it ended at once" : said.slice(0, 300));
  }

  /**
   * Runs a program to its end. A program that fails or cannot be started is a result, not an error; both of its outputs
   * are in `stderr`.
   *
   * @throws {SkillError} `cancelled` or `timeout`; the session is closed then
   */
  async run({ program, args, env, cwd, timeout_ms, signal }: SessionRun): Promise<ToolResult> {
    const answer = this.#answer(timeout_ms, signal, `"${program}"`);
    this.#process.stdin.write(`${JSON.stringify({ program, args, env, cwd })}\n`);
    return await answer;
  }

  /** Ends everything. May be called any number of times. */
  async close(): Promise<void> {
    this.#process.kill();
    await this.#process.exited;
  }

  async #answer(timeoutMs: number, signal: AbortSignal | undefined, what: string): Promise<ToolResult> {
    let stopped: SkillError | undefined;
    const stop = (error: SkillError): void => {
      stopped ??= error;
      this.#process.kill();
    };
    const abort = (): void =>
      stop(new SkillError("cancelled", `${what} was cancelled`, { cause: signal?.reason }));
    const late = (): void => stop(new SkillError("timeout", `${what} took longer than ${timeoutMs} ms`));
    const timer = setTimeout(late, timeoutMs);
    signal?.addEventListener("abort", abort, { once: true });
    if (signal?.aborted === true) abort();
    const code = await new Promise<number | null>((resolve) => {
      this.#answered = resolve;
      void this.#process.exited.then(() => resolve(null));
    });
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
    if (stopped !== undefined) {
      await this.#process.exited;
      throw stopped;
    }
    return { code, stdout: "", stderr: this.#takeOutput() };
  }

  #take(chunk: Buffer): void {
    const text = Buffer.concat([this.#rest, chunk]);
    const at = text.indexOf(this.#mark);
    const end = at < 0 ? -1 : text.indexOf("\n", at);
    if (end < 0) {
      const kept = at < 0 ? Math.max(0, text.length - this.#mark.length) : at;
      this.#output.push(text.subarray(0, kept));
      this.#rest = text.subarray(kept);
      return;
    }
    this.#output.push(text.subarray(0, at));
    this.#rest = text.subarray(end + 1);
    this.#answered(Number(text.toString("latin1", at + this.#mark.length, end)));
  }

  #takeOutput(): string {
    // after the last answer there is nothing that could be a mark
    this.#output.push(this.#rest);
    const text = this.#output.toString();
    this.#output = new BoundedText(MAX_OUTPUT_BYTES);
    this.#rest = Buffer.alloc(0);
    return text;
  }
}
