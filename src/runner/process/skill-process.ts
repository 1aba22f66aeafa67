import type { Buffer } from "node:buffer";
import process from "node:process";
import { SkillError } from "../../base/errors.ts";
import type { Json } from "../../base/json.ts";
import type { ProcessExit, SandboxBackend, SandboxedProcess, SandboxPlan } from "../../sandbox/types.ts";
import type { Deadline } from "../limits/deadline.ts";
import { claim, claimedInLog, claimText, LIMIT_FIXES, limitError } from "../limits/limit-evidence.ts";
import { SharedAlarm } from "../limits/shared-alarm.ts";
import { OverlappingLog } from "../logs/overlapping-log.ts";
import { type CallLog, ProcessLog } from "../logs/process-log.ts";
import type { Redactor } from "../logs/redact.ts";
import type { CallResult, RunnerLimits } from "../types.ts";
import { type Answer, Channel } from "../wire/channel.ts";
import type { Introduction } from "../wire/handshake.ts";
import { logLine, splitRequestId } from "../wire/notifications.ts";
import { fromWireError, type Speaker } from "../wire/wire.ts";
import type { Orders } from "./orders.ts";
import { nextState, type ProcessState } from "./state.ts";

/** What a process needs to live. */
export interface ProcessOptions {
  /** Names it in errors: `"roman_numerals"`. */
  readonly label: string;
  readonly sandbox: SandboxBackend;
  readonly plan: SandboxPlan;
  /** What it is to do, secrets included. */
  readonly orders: Orders & Json;
  readonly redactor: Redactor;
  readonly limits: Pick<RunnerLimits, "maxMessageBytes" | "maxLogBytes" | "stopGraceMs" | "cancelGraceMs">;
  readonly onLog?: (text: string) => void;
}

/** One request, and what may happen meanwhile. */
export interface Exchange {
  readonly deadline: Deadline;
  readonly onNotification?: (method: string, params: Json) => void;
  /** Whether no answer in time is the process's own failure, and not just the end of somebody's patience. */
  readonly mustAnswer?: boolean;
}

/** A request without an answer so far. */
interface OpenCall {
  readonly id: number;
  readonly exchange: Exchange;
  /** Why nobody waits for its answer any more. */
  givenUp?: SkillError;
  /** It was told to end, and had time to. */
  late?: boolean;
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
 * One process of a skill, from its start to its end. It serves one request at a time, or as many as its orders say.
 * Nothing of it keeps the host alive but a running request. The first cause of its death is what everybody is told.
 */
export class SkillProcess {
  readonly startedAt: number = Date.now();
  /** Settles after the process and its tree are gone. */
  readonly ended: Promise<Ending>;
  readonly #options: ProcessOptions;
  readonly #child: SandboxedProcess;
  readonly #channel: Channel;
  readonly #log: CallLog;
  readonly #open = new Map<number, OpenCall>();
  readonly #alarm = new SharedAlarm();
  #state: ProcessState = { status: "pending" };
  #cause: Ending | undefined;
  #lastNoise = "";
  #prefix = "";
  #calls = 0;

  /** Starts it; nothing untrusted runs before `ready`. */
  constructor(options: ProcessOptions) {
    this.#options = options;
    const { maxMessageBytes, maxLogBytes } = options.limits;
    const Log = this.#overlapping ? OverlappingLog : ProcessLog;
    this.#log = new Log(maxLogBytes, options.orders.mark, this.#logListener());
    this.#child = options.sandbox.spawn(options.plan);
    this.#channel = new Channel({
      maxMessageBytes,
      write: (bytes) => void this.#child.stdin.write(bytes),
      onNotification: (method, params) => this.#notified(method, params),
      onNoise: (line) => this.#noise(line),
      onFault: (error) => this.fail(error),
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

  /** Whether it serves as many requests as it can. */
  get busy(): boolean {
    return this.#open.size >= this.#options.orders.concurrent;
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
   * one can't hear anything. One that serves several requests at a time is told to cancel this one; it is killed only
   * when it runs nothing else after a grace, and until then this waits: whoever called need not.
   *
   * @throws {SkillError} what the skill answered, or what happened to it
   */
  async exchange(method: string, params: Json, exchange: Exchange): Promise<Outcome> {
    const { label } = this.#options;
    if (this.busy) throw new Error(`${label} is busy`); // the pool gives no process more calls than it serves
    const started = performance.now(), call = this.#begin(exchange);
    if (method === "invoke") {
      this.#calls++;
      this.#child.beginCall();
    }
    const stopWatching = exchange.deadline.watch(
      `${label}: "${method}"`,
      (error) => this.#giveUp(call, error),
      this.#alarm,
    );
    try {
      const answer = await this.#channel.request(method, params);
      if (call.givenUp !== undefined) throw call.givenUp;
      if (this.#log.marks < answer.extra.printed) await this.#log.until(answer.extra.printed, LOG_GRACE_MS);
      return this.#outcome(call, answer, performance.now() - started);
    } catch (error) {
      throw this.#clean(this.#withEvidence(call, SkillError.from(error, "protocol_error", label)));
    } finally {
      stopWatching();
      this.#over(call);
    }
  }

  /** Ends it at once, with everything it started. What is pending ends with `cause`. */
  kill(cause: SkillError): void {
    this.#end({ cause, intended: true });
    this.#child.kill();
  }

  /** Ends it at once because of something that it did, or failed to do. What is pending ends with `cause`. */
  fail(cause: SkillError): void {
    this.#end({ cause, intended: false });
    this.#child.kill();
  }

  /**
   * Asks it to end, in steps: `shutdown` and end of input, a signal, the end of its whole tree. What is pending ends
   * at once with `cause`.
   */
  async stop(cause: SkillError): Promise<void> {
    this.#child.ref();
    if (this.#cause === undefined && this.#open.size === 0 && this.#state.status === "running") {
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

  get #overlapping(): boolean {
    return this.#options.orders.concurrent > 1;
  }

  #begin(exchange: Exchange): OpenCall {
    const call: OpenCall = { id: this.#channel.nextId, exchange };
    this.#lastNoise = "";
    this.#log.begin(call.id);
    this.#open.set(call.id, call);
    return call;
  }

  #over({ id }: OpenCall): void {
    this.#open.delete(id);
    this.#log.end(id);
    if (this.#open.size > 0) this.#endIfUseless();
  }

  #giveUp(call: OpenCall, error: SkillError): void {
    if (call.exchange.mustAnswer === true) return this.fail(error);
    if (!this.#overlapping) return this.kill(error);
    call.givenUp = error;
    this.#channel.notify(`${this.#prefix}cancel`, { id: call.id });
    setTimeout(() => {
      call.late = true;
      this.#endIfUseless();
    }, this.#options.limits.cancelGraceMs);
  }

  /** Kills it when all that it still runs was given up long enough ago. */
  #endIfUseless(): void {
    const [first, ...others] = this.#open.values();
    if (first?.givenUp === undefined || first.late !== true || others.some(({ late }) => late !== true)) {
      return;
    }
    this.kill(first.givenUp);
  }

  #outcome({ id }: OpenCall, answer: Answer, wall_ms: number): Outcome {
    const { redactor, label } = this.#options;
    const { usage } = answer.extra;
    if ("error" in answer) throw fromWireError(answer.error, label, this.#speaker);
    return {
      value: redactor.value(answer.result),
      logs: redactor.text(this.#log.text(id)),
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
    if (exit.limit !== undefined && exit.claimed !== true) return limitError(label, exit.limit, details);
    const last = stderr.split("\n").at(-1) ?? "";
    const said = claim(exit.limit) ?? claimedInLog(last);
    const tail = `${last === "" ? "" : `: ${last.slice(0, 500)}`}${claimText(said)}`;
    const [code, what] = this.#state.status === "running"
      ? ["process_died", "without an answer"] as const
      : ["start_failed", "before it was ready"] as const;
    return new SkillError(code, `${label} ended ${what}, ${how}${tail}`, {
      ...(said === undefined ? {} : { fix: LIMIT_FIXES[said.limit] }),
      details: { ...details, ...said },
    });
  }

  #notified(method: string, params: Json): void {
    const { call, rest } = this.#addressee(params);
    if (method === "log") this.#log.note(logLine(rest), call?.id);
    else if (call?.givenUp === undefined) {
      call?.exchange.onNotification?.(method, this.#options.redactor.value(rest));
    }
  }

  /** Whose notification it is: the only call's, or that of the call which it names. */
  #addressee(params: Json): { readonly call: OpenCall | undefined; readonly rest: Json } {
    const [only, second] = this.#open.values();
    const named = this.#overlapping ? splitRequestId(params) : undefined;
    if (named === undefined) return { call: second === undefined ? only : undefined, rest: params };
    return { call: this.#open.get(named.id), rest: named.rest };
  }

  #noise(line: string): void {
    if (!this.#overlapping) this.#lastNoise = line.slice(0, 500);
    this.#log.note(line);
  }

  /** What was printed, and the last line that was no answer: perhaps one that could not be read. */
  #withEvidence({ id }: OpenCall, error: SkillError): SkillError {
    const logs = error.details?.["stderr"] === undefined ? this.#log.text(id).slice(-MAX_ERROR_LOG) : "";
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
    return onLog && redactor.pieces(onLog);
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
