import { Buffer } from "node:buffer";
import { BoundedText } from "../../base/bounded-text.ts";
import { SkillError } from "../../base/errors.ts";
import { type Json, parseJson } from "../../base/json.ts";
import type { ProcessExit, SandboxedProcess } from "../../sandbox/types.ts";
import type { Deadline } from "../limits/deadline.ts";
import { limitError } from "../limits/limit-evidence.ts";
import type { Orders } from "../process/orders.ts";
import type { RunnerLimits } from "../types.ts";

/** What a command is given, and what bounds it. */
export interface CommandWork {
  readonly orders: Orders & Json;
  readonly input: Json;
  /** Names it in errors. */
  readonly label: string;
  readonly deadline: Deadline;
  /** Ends it before its deadline, with a `SkillError` as reason. */
  readonly signal: AbortSignal;
  readonly limits: Pick<RunnerLimits, "maxMessageBytes" | "maxLogBytes">;
}

/**
 * Gives a started process its orders and its input, and waits for its end. Nothing is left of it afterwards.
 *
 * @throws {SkillError} `tool_failed` for another exit code than 0, and what ended it before
 */
export async function finishCommand(
  child: SandboxedProcess,
  { orders, input, label, deadline, signal, limits }: CommandWork,
): Promise<{ readonly value: Json; readonly log: string }> {
  const { maxMessageBytes, maxLogBytes } = limits;
  const log = new BoundedText(maxLogBytes), chunks: Buffer[] = [];
  let cause: SkillError | undefined, size = 0;
  const end = (why: SkillError) => {
    cause ??= why;
    child.kill();
  };
  const onAbort = () => end(SkillError.from(signal.reason, "closed", label));
  signal.addEventListener("abort", onAbort, { once: true });
  const stopWatching = deadline.watch(label, end);
  child.stderr.on("data", (chunk: Buffer) => log.push(chunk));
  child.stdout.on("data", (chunk: Buffer) => {
    size += chunk.byteLength;
    if (size <= maxMessageBytes) chunks.push(chunk);
    else end(tooLong(label, maxMessageBytes));
  });
  try {
    child.handOver(orders);
    child.stdin.end(`${JSON.stringify(input)}\n`);
    const exit = await child.exited;
    if (cause !== undefined) throw cause;
    if (exit.code !== 0 || exit.limit !== undefined) throw failed(exit, log.toString(), label);
    return { value: valueOf(Buffer.concat(chunks), label), log: log.toString() };
  } finally {
    stopWatching();
    signal.removeEventListener("abort", onAbort);
  }
}

/** JSON as it is; what is none is text, without the newline at its end. */
function valueOf(out: Uint8Array, label: string): Json {
  const text = new TextDecoder().decode(out).trim();
  const bounds = { maxBytes: Infinity, code: "invalid_output" } as const;
  try {
    return parseJson(text, `the answer of ${label}`, bounds);
  } catch (error) {
    if (SkillError.isInstance(error) && error.cause instanceof SyntaxError) return text;
    throw error;
  }
}

function failed(exit: ProcessExit, log: string, label: string): SkillError {
  const stderr = log.slice(-2000).trim();
  const details = { exit_code: exit.code, signal: exit.signal, stderr };
  if (exit.limit !== undefined && exit.claimed !== true) return limitError(label, exit.limit, details);
  const how = exit.error ?? (exit.signal === null ? `exit code ${exit.code}` : `signal ${exit.signal}`);
  const last = stderr.split("\n").at(-1) ?? "";
  return new SkillError(
    "tool_failed",
    `${label} failed, ${how}${last === "" ? "" : `: ${last.slice(0, 500)}`}`,
    {
      details,
    },
  );
}

function tooLong(label: string, bytes: number): SkillError {
  return new SkillError("message_too_large", `${label} printed more than ${bytes} bytes`, {
    fix: "print less, or leave files in out/",
    details: { max_bytes: bytes, limit: "output" },
  });
}
