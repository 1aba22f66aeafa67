import type { Buffer } from "node:buffer";
import process from "node:process";
import { SkillError } from "../base/errors.ts";
import type { Json } from "../base/json.ts";
import type { ProcessExit, SandboxBackend, SandboxedProcess, SandboxPlan } from "../sandbox/types.ts";
import { type Answer, Channel } from "./channel.ts";
import type { Deadline } from "./deadline.ts";
import type { Introduction } from "./handshake.ts";
import type { Orders } from "./orders.ts";
import { ProcessLog } from "./process-log.ts";
import type { Redactor } from "./redact.ts";
import { nextState, type ProcessState } from "./state.ts";
import type { CallResult, RunnerLimits } from "./types.ts";
import { fromWireError, type Speaker } from "./wire.ts";

/** What a process needs to live. */
export interface ProcessOptions {
  /** Names it in errors: `"roman_numerals"`. */
  readonly label: string;
  readonly sandbox: SandboxBackend;
  readonly plan: SandboxPlan;
  /** What it is to do, secrets included. */
  readonly orders: Orders & Json;
  readonly redactor: Redactor;
  readonly limits: Pick<RunnerLimits, "maxMessageBytes" | "maxLogBytes" | "stopGraceMs">;
  readonly onLog?: (text: string) => void;
}

/** One request, and what may happen meanwhile. */
export interface Exchange {
  readonly deadline: Deadline;
  readonly onNotification?: (method: string, params: Json) => void;
}

/** What came back for a request. */
export type Outcome = Pick<CallResult, "value" | "logs" | "usage">;

/** How an ended process came to its end. */
export interface Ending {
  readonly cause: SkillError;
  /** The host ended it. */
  readonly intended: boolean;
}

/** How long an answer waits for what was printed before it. */
const LOG_GRACE_MS = 200;
/** Characters of log that an error carries. */
const MAX_ERROR_LOG = 4000;

/**
 * One process of a skill, from its start to its end. It serves one request at a time. Nothing of it keeps the host
 * alive but a running request. The first cause of its death is what everybody is told.
 */
export class SkillProcess {
  readonly startedAt: number = Date.now();
  /** Settles after the process and its tree are gone. */
  readonly ended: Promise<Ending>;
  readonly #options: ProcessOptions;
  readonly #child: SandboxedProcess;
  readonly #channel: Channel;
  readonly #log: ProcessLog;
  #state: ProcessState = { status: "pending" };
  #cause: Ending | undefined;
  #exchange: Exchange | undefined;
  #lastNoise = "";
  #prefix = "";
  #calls = 0;

  /** Starts it; nothing untrusted runs before `ready`. */
  constructor(options: ProcessOptions) {
    this.#options = options;
    const { maxMessageBytes, maxLogBytes } = options.limits;
    this.#log = new ProcessLog(maxLogBytes, options.orders.mark, this.#logListener());
    this.#child = options.sandbox.spawn(options.plan);
    this.#channel = new Channel({
      maxMessageBytes,
      write: (bytes) => void this.#child.stdin.write(bytes),
      onNotification: (method, params) => this.#notified(method, params),
      onNoise: (line) => this.#noise(line),
      onFault: (error) => this.kill(error),
    });
    this.#child.stdout.on("data", (chunk: Buffer) => this.#channel.push(chunk));
    this.#child.stderr.on("data", (chunk: Buffer) => this.#log.push(chunk));
    // A child that keeps nobody alive is not always reported when it ends, but its pipe is.
    this.#child.stdout.once("end", () => this.#child.ref());
    this.ended = this.#child.exited.then((exit) => this.#exited(exit));
  }

  get pid(): number {
    return this.#child.pid;
  }

  get status(): ProcessState["status"] {
    return this.#state.status;
  }

  get busy(): boolean {
    return this.#exchange !== undefined;
  }

  /** Calls so far. */
  get calls(): number {
    return this.#calls;
  }

  /** Until `ready` it waits for its orders and keeps nobody alive. */
  standBy(): void {
    this.#child.unref();
  }

  /** Hands over the orders once the sandbox stands. @throws {SkillError} what ended it first */
  async ready(): Promise<void> {
    this.#child.ref();
    try {
      await this.#child.ready;
    } catch (error) {
      throw this.#cause?.cause ?? this.#clean(SkillError.from(error, "start_failed", this.#options.label));
    }
    if (this.#cause !== undefined) throw this.#cause.cause;
    this.#state = nextState(this.#state, { type: "spawned", pid: this.#child.pid });
    this.#child.handOver(this.#options.orders);
  }

  /** Tells that the handshake went well. From here on an idle process does not keep the host alive. */
  handshaken({ prefix }: Introduction): void {
    this.#prefix = prefix;
    this.#state = nextState(this.#state, { type: "handshaken" });
    this.#child.unref();
  }

  /**
   * Sends one request and waits for its answer. When time is up or the caller cancels, the process is killed: a busy
   * one can't hear anything.
   *
   * @throws {SkillError} what the skill answered, or what happened to it
   */
  async exchange(method: string, params: Json, exchange: Exchange): Promise<Outcome> {
    if (this.busy) throw new Error(`${this.#options.label} is busy`); // the pool gives a process to one call only
    const started = performance.now();
    this.#exchange = exchange;
    this.#lastNoise = "";
    if (method === "invoke") this.#calls++;
    this.#log.begin();
    const stopWatching = exchange.deadline.watch(
      `${this.#options.label}: "${method}"`,
      (error) => this.kill(error),
    );
    try {
      const answer = await this.#channel.request(method, params);
      if (this.#log.marks < answer.extra.printed) await this.#log.until(answer.extra.printed, LOG_GRACE_MS);
      return this.#outcome(answer, performance.now() - started);
    } catch (error) {
      throw this.#clean(this.#withEvidence(SkillError.from(error, "protocol_error", this.#options.label)));
    } finally {
      stopWatching();
      this.#exchange = undefined;
    }
  }

  /** Ends it at once, with everything it started. What is pending ends with `cause`. */
  kill(cause: SkillError): void {
    this.#end({ cause, intended: true });
    this.#child.kill();
  }

  /**
   * Asks it to end, in steps: `shutdown` and end of input, a signal, the end of its whole tree. What is pending ends
   * at once with `cause`.
   */
  async stop(cause: SkillError): Promise<void> {
    this.#child.ref();
    if (this.#cause === undefined && !this.busy && this.#state.status === "running") {
      this.#channel.request(`${this.#prefix}shutdown`, {}).catch(() => {});
      this.#child.stdin.end();
      this.#end({ cause, intended: true });
      if (await this.#endsWithin(this.#options.limits.stopGraceMs)) return;
      this.#terminate();
      if (await this.#endsWithin(this.#options.limits.stopGraceMs)) return;
    }
    this.kill(cause);
    await this.ended;
  }

  /** How it is confined. */
  get sandbox(): CallResult["sandbox"] {
    const { backend, unenforced } = this.#options.plan;
    return { backend, unenforced };
  }

  get #speaker(): Speaker {
    const { mode } = this.#options.orders;
    return mode === "stdio" || mode === "fd" ? "program" : "loop";
  }

  #outcome(answer: Answer, wall_ms: number): Outcome {
    const { redactor, label } = this.#options;
    const { usage } = answer.extra;
    if ("error" in answer) throw fromWireError(answer.error, label, this.#speaker);
    return {
      value: redactor.value(answer.result),
      logs: redactor.text(this.#log.text()),
      usage: usage === undefined ? { wall_ms } : { wall_ms, ...usage },
    };
  }

  #end(ending: Ending): void {
    this.#cause ??= ending;
    this.#state = nextState(this.#state, { type: "ended", ...this.#cause });
    this.#channel.close(this.#cause.cause);
  }

  #exited(exit: ProcessExit): Ending {
    const ending = this.#cause ?? { cause: this.#clean(this.#deathCause(exit)), intended: false };
    this.#end(ending);
    return ending;
  }

  #deathCause(exit: ProcessExit): SkillError {
    const { label } = this.#options;
    const how = exit.signal === null ? `exit code ${exit.code}` : `signal ${exit.signal}`;
    const stderr = this.#log.text().slice(-2000).trim();
    const details = { exit_code: exit.code, signal: exit.signal, stderr };
    if (exit.limit !== undefined) {
      return new SkillError("limit_exceeded", `${label} went over its limit "${exit.limit}"`, {
        details: { ...details, limit: exit.limit },
      });
    }
    const last = stderr.split("\n").at(-1) ?? "";
    const tail = last === "" ? "" : `: ${last.slice(0, 500)}`;
    return this.#state.status === "running"
      ? new SkillError("process_died", `${label} ended without an answer, ${how}${tail}`, { details })
      : new SkillError("start_failed", `${label} ended before it was ready, ${how}${tail}`, { details });
  }

  #notified(method: string, params: Json): void {
    if (method === "log") this.#log.note(logLine(params));
    else this.#exchange?.onNotification?.(method, this.#options.redactor.value(params));
  }

  #noise(line: string): void {
    this.#lastNoise = line.slice(0, 500);
    this.#log.note(line);
  }

  /** What was printed, and the last line that was no answer: perhaps one that could not be read. */
  #withEvidence(error: SkillError): SkillError {
    const logs = error.details?.["stderr"] === undefined ? this.#log.text().slice(-MAX_ERROR_LOG) : "";
    if (logs === "" && this.#lastNoise === "") return error;
    return withDetails(error, {
      ...(logs === "" ? {} : { logs }),
      ...(this.#lastNoise === "" ? {} : { last_noise: this.#lastNoise }),
    });
  }

  #clean(error: SkillError): SkillError {
    return this.#options.redactor.error(error);
  }

  #logListener(): ((text: string) => void) | undefined {
    const { onLog, redactor } = this.#options;
    return onLog && ((text) => onLog(redactor.text(text)));
  }

  #terminate(): void {
    try {
      process.kill(this.#child.pid, "SIGTERM");
    } catch {
      // it is just ending
    }
  }

  async #endsWithin(ms: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<false>((resolve) => {
      timer = setTimeout(() => resolve(false), ms);
    });
    const inTime = await Promise.race([this.ended.then(() => true), late]);
    clearTimeout(timer);
    return inTime;
  }
}

/** The error of a start that took too long. */
export function startTimedOut(label: string, timeoutMs: number, cause: SkillError): SkillError {
  return new SkillError("start_failed", `${label} was not ready within ${timeoutMs} ms`, {
    fix: "do slow work in the tool, not while the file is imported, or raise the handshake timeout",
    cause,
    details: { ...cause.details, timeout_ms: timeoutMs },
  });
}

function withDetails(error: SkillError, details: Readonly<Record<string, unknown>>): SkillError {
  return new SkillError(error.code, error.message, {
    ...(error.fix === undefined ? {} : { fix: error.fix }),
    ...(error.cause === undefined ? {} : { cause: error.cause }),
    details: { ...error.details, ...details },
  });
}

/** A `log` notification as a line. */
function logLine(params: Json): string {
  if (typeof params !== "object" || params === null || Array.isArray(params)) return JSON.stringify(params);
  const { level = "info", message, ...fields } = params as { readonly [key: string]: Json };
  if (typeof level !== "string" || typeof message !== "string") return JSON.stringify(params);
  const rest = Object.keys(fields).length > 0 ? ` ${JSON.stringify(fields)}` : "";
  return `${level}: ${message}${rest}`;
}
