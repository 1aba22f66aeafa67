import { BoundedText } from "../../base/bounded-text.ts";
import { SkillError } from "../../base/errors.ts";

/** A trusted program (Python, pip, uv) that is run to its end. */
export interface ToolRun {
  /** Absolute path. */
  readonly command: string;
  readonly args: readonly string[];
  /** The whole environment; nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly timeout_ms: number;
  readonly signal?: AbortSignal | undefined;
}

export interface ToolResult {
  /** Exit code, or null when it could not be started or a signal ended it. */
  readonly code: number | null;
  /** Both outputs, the middle left out when they are long. */
  readonly stdout: string;
  readonly stderr: string;
}

const MAX_OUTPUT_BYTES = 256 * 1024;

/**
 * Runs a program in a process group of its own and ends the whole group on abort, on timeout and when the host
 * exits. A program that fails or cannot be started is a result, not an error.
 *
 * @throws {SkillError} `cancelled` or `timeout`
 */
export async function runTool(run: ToolRun): Promise<ToolResult> {
  if (run.signal?.aborted === true) throw cancelled(run);
  // Loaded when something is run: most commands run nothing here.
  const { execa } = await import("execa");
  const child = execa(run.command, run.args, {
    env: run.env,
    extendEnv: false,
    cwd: run.cwd,
    stdin: "ignore",
    buffer: false,
    reject: false,
    timeout: run.timeout_ms,
    killDescendants: true,
    killSignal: "SIGKILL",
    ...(run.signal === undefined ? {} : { cancelSignal: run.signal }),
  });
  const [stdout, stderr] = [new BoundedText(MAX_OUTPUT_BYTES), new BoundedText(MAX_OUTPUT_BYTES)];
  child.stdout.on("data", (chunk: Uint8Array) => stdout.push(chunk));
  child.stderr.on("data", (chunk: Uint8Array) => stderr.push(chunk));
  const result = await child;
  if (result.isCanceled) throw cancelled(run);
  if (result.timedOut) {
    throw new SkillError("timeout", `"${run.command}" took longer than ${run.timeout_ms} ms`, {
      details: { command: run.command, output: stderr.toString().slice(-2000) },
    });
  }
  const started = result.exitCode !== undefined || result.signal !== undefined;
  return {
    code: result.exitCode ?? null,
    stdout: stdout.toString(),
    stderr: started ? stderr.toString() : result.originalMessage ?? "it could not be started",
  };
}

function cancelled(run: ToolRun): SkillError {
  return new SkillError("cancelled", `"${run.command}" was cancelled`, { cause: run.signal?.reason });
}
