import { dirname } from "node:path";
import { SkillError, type SkillErrorCode } from "../../base/errors.ts";
import type { Json } from "../../base/json.ts";
import type { SandboxBackend, SandboxPlan, SandboxPolicy } from "../../sandbox/types.ts";
import { makeScratch, type Scratch, type ScratchRoot } from "../files/scratch.ts";
import { Deadline } from "../limits/deadline.ts";
import { Redactor } from "../logs/redact.ts";
import type { RunnerLimits } from "../types.ts";
import { checkHandshake, type Expected, type Introduction } from "../wire/handshake.ts";
import { WIRE_CODES } from "../wire/wire.ts";
import type { Orders } from "./orders.ts";
import { SkillProcess, startTimedOut } from "./skill-process.ts";

/** Where and how processes are started. */
export interface LaunchContext {
  readonly sandbox: SandboxBackend;
  readonly scratchRoot: ScratchRoot;
  readonly limits: RunnerLimits;
}

/** What is started, and who is expected to answer. */
export interface LaunchRequest {
  readonly expected: Expected;
  readonly interpreter: string;
  readonly roots: readonly string[];
  readonly policy: SandboxPolicy;
  readonly orders: Orders & Json;
  readonly secrets: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  readonly onLog?: (text: string) => void;
  /** Told of the process as soon as there is one, so that it can be ended while it starts. */
  readonly onProcess?: (process: SkillProcess) => void;
}

/** A process that waits for its orders: sandboxed, and nothing untrusted has run in it. */
export interface Prepared {
  readonly process: SkillProcess;
  readonly scratch: Scratch;
  readonly redactor: Redactor;
}

/** A process that has introduced itself. */
export interface Launched extends Prepared {
  readonly introduction: Introduction;
}

/**
 * Starts a process in the sandbox and does the handshake, all within one deadline. On failure nothing is left of it.
 *
 * @throws {SkillError} `sandbox_unavailable`, `start_failed`, `handshake_failed`, `cancelled`
 */
export async function launch(context: LaunchContext, request: LaunchRequest): Promise<Launched> {
  const deadline = new Deadline(request.timeoutMs, request.signal);
  deadline.throwIfCancelled(`"${request.expected.id}"`);
  return await begin(await prepare(context, request), request, deadline);
}

/**
 * Starts a process up to where it waits for its orders; it may still be on its way there.
 *
 * @throws {SkillError} `sandbox_unavailable`, `start_failed`
 */
export async function prepare(context: LaunchContext, request: LaunchRequest): Promise<Prepared> {
  const scratch = await makeScratch(context.scratchRoot);
  try {
    const redactor = new Redactor(request.secrets);
    const process = await spawnProcess(context, request, scratch, redactor);
    request.onProcess?.(process);
    return { process, scratch, redactor };
  } catch (error) {
    await scratch.remove();
    throw startFailure(error, `"${request.expected.id}"`, request.timeoutMs);
  }
}

/**
 * Gives a prepared process its orders and does the handshake. On failure nothing is left of it.
 *
 * @throws {SkillError} `start_failed`, `handshake_failed`, `cancelled`
 */
export async function begin(
  prepared: Prepared,
  { expected, timeoutMs, signal }: Pick<LaunchRequest, "expected" | "timeoutMs" | "signal">,
  deadline: Deadline = new Deadline(timeoutMs, signal),
): Promise<Launched> {
  const { process, scratch } = prepared;
  const label = `"${expected.id}"`;
  try {
    deadline.throwIfCancelled(label);
    return { ...prepared, introduction: await introduce(process, expected, deadline) };
  } catch (error) {
    const failure = startFailure(error, label, timeoutMs);
    if (NOT_ITS_FAULT.has(failure.code)) process.kill(failure);
    else process.fail(failure);
    await process.ended;
    await scratch.remove();
    throw failure;
  }
}

async function spawnProcess(
  context: LaunchContext,
  request: LaunchRequest,
  scratch: Scratch,
  redactor: Redactor,
): Promise<SkillProcess> {
  const { sandbox, limits } = context;
  const plan = await planIn(sandbox, request, scratch);
  return new SkillProcess({
    label: `"${request.expected.id}"`,
    sandbox,
    plan,
    orders: request.orders,
    redactor,
    limits,
    ...(request.onLog === undefined ? {} : { onLog: request.onLog }),
  });
}

/**
 * How a process would be started, without starting it.
 *
 * @throws {SkillError} `sandbox_unavailable`, `permission_refused`
 */
export async function planLaunch(context: LaunchContext, request: LaunchRequest): Promise<SandboxPlan> {
  const scratch = await makeScratch(context.scratchRoot);
  try {
    return await planIn(context.sandbox, request, scratch);
  } finally {
    await scratch.remove();
  }
}

/** How a process would be started that works in `scratch`. @throws {SkillError} `sandbox_unavailable`, `permission_refused` */
export function planIn(
  sandbox: SandboxBackend,
  { policy, interpreter, roots, orders }: Pick<LaunchRequest, "policy" | "interpreter" | "roots" | "orders">,
  scratch: Scratch,
): Promise<SandboxPlan> {
  // The interpreter of a virtual environment reads the file beside its own folder.
  const all = [...new Set([...roots, dirname(dirname(interpreter))])].filter((path) => path !== "/");
  const command = orders.command === undefined ? {} : { command: true };
  return sandbox.plan(policy, { interpreter, roots: all, scratch: scratch.root, ...command });
}

async function introduce(
  process: SkillProcess,
  expected: Expected,
  deadline: Deadline,
): Promise<Introduction> {
  const stopWatching = deadline.watch("the start", (error) => process.kill(error));
  try {
    await process.ready();
    let prefix: Introduction["prefix"] = "";
    const ask = (method: string) =>
      process.exchange(method, { protocol_version: 2 }, { deadline }).then((outcome) => outcome.value);
    const answer = await ask("handshake").catch((error: unknown) => {
      if (!isMethodNotFound(error)) throw error;
      prefix = "skill.";
      return ask("skill.handshake");
    });
    const introduction = checkHandshake(answer, expected, prefix);
    process.handshaken(introduction);
    return introduction;
  } finally {
    stopWatching();
  }
}

/** Whether the skill has no such method. */
export function isMethodNotFound(error: unknown): boolean {
  return SkillError.isInstance(error) && error.details?.["wire_code"] === WIRE_CODES.methodNotFound;
}

/** What went wrong on the wire during a start is told as what it is: no start, or no handshake. */
function startFailure(error: unknown, label: string, timeoutMs: number): SkillError {
  const known = SkillError.from(error, "start_failed", label);
  if (known.code === "timeout") return startTimedOut(label, timeoutMs, known);
  if (!WRONG_ANSWERS.has(known.code)) return known;
  return new SkillError("handshake_failed", known.message, {
    ...(known.fix === undefined ? {} : { fix: known.fix }),
    ...(known.details === undefined ? {} : { details: known.details }),
    cause: known,
  });
}

const NOT_ITS_FAULT: ReadonlySet<SkillErrorCode> = new Set(["cancelled", "closed"]);

const WRONG_ANSWERS: ReadonlySet<SkillErrorCode> = new Set([
  "tool_failed",
  "tool_not_found",
  "invalid_input",
  "invalid_output",
  "protocol_error",
]);
