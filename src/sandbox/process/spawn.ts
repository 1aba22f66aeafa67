import type { Buffer } from "node:buffer";
import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { type Duplex, PassThrough, type Readable, type Writable } from "node:stream";
import { isMainThread } from "node:worker_threads";
import { BoundedText } from "../../base/bounded-text.ts";
import { SkillError } from "../../base/errors.ts";
import type { Json } from "../../base/json.ts";
import type { LimitName } from "../limit-names.ts";
import { NetworkProxy } from "../network/proxy.ts";
import type { ProcessExit, ProxyPlan, SandboxedProcess, SandboxPlan } from "../types.ts";
import { Cgroup } from "./cgroup.ts";
import { limitOfExit } from "./exit-limit.ts";
import { watchFolders } from "./watch-folders.ts";
import { TreeWatch } from "./watch-tree.ts";

/** How long streams may stay open after the exit, when a survivor holds them. */
const GRACE_MS = 250;

/** What is kept of stderr for the error of a process that ends before it is ready. */
const START_LOG_BYTES = 4096;

/**
 * Starts a plan's process up to the point where it waits for its orders: it has loaded trusted code only.
 *
 * @throws {SkillError} `sandbox_unavailable` in a worker thread: the kernel ties the life of a sandbox to the thread
 * that started it, so it would end with that thread, or be left when only the thread is stopped.
 */
export function spawnPlan(plan: SandboxPlan): SandboxedProcess {
  if (!isMainThread) {
    throw new SkillError("sandbox_unavailable", "a sandbox cannot be started from a worker thread", {
      fix: "start skills from the main thread, or from a process of their own",
    });
  }
  return new PlannedProcess(plan);
}

class PlannedProcess implements SandboxedProcess {
  readonly pid: number;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly ready: Promise<void>;
  readonly exited: Promise<ProcessExit>;
  readonly #plan: SandboxPlan;
  readonly #child: ChildProcess;
  readonly #proxy: NetworkProxy | undefined;
  readonly #channel: Duplex;
  readonly #streams: readonly (Readable | Writable)[];
  #handedOver = false;
  #ended = false;
  readonly #group: Cgroup | undefined;
  readonly #joined: Promise<void>;
  #limit: LimitName | undefined;
  #tree: TreeWatch | undefined;
  #stopWatching: () => void = () => {};

  constructor(plan: SandboxPlan) {
    this.#plan = plan;
    this.#proxy = plan.network === undefined ? undefined : startProxy(plan.network);
    try {
      this.#child = startChild(plan);
    } catch (error) {
      this.#proxy?.close();
      throw error;
    }
    const { stdin, stdout, stderr, filter, channel } = streamsOf(this.#child);
    this.pid = this.#child.pid ?? 0;
    this.stdin = stdin;
    this.stdout = stdout;
    this.stderr = stderr;
    this.#channel = channel;
    this.#streams = [stdin, stdout, stderr, channel, filter];
    // Every stream can fail when the process ends; `exited` tells all that there is to tell.
    for (const stream of this.#streams) stream.on("error", () => {});
    filter.end(plan.filter);
    [this.#group, this.#joined] = groupOf(plan, this.pid);
    this.exited = this.#untilExit();
    this.ready = this.#untilReady();
    // Who only waits for the exit must not be punished for not looking at `ready`.
    this.ready.catch(() => {});
  }

  handOver(orders: Json): void {
    if (this.#handedOver) throw new Error("the orders of this process were already handed over");
    this.#handedOver = true;
    const line = `${JSON.stringify({ confine: this.#plan.confine, orders })}\n`;
    this.ready.then(() => this.#send(line), () => {});
  }

  beginCall(): void {
    this.#tree?.beginCall();
  }

  kill(): void {
    // First, so that a bootstrap which the signal misses ends by itself.
    this.#channel.destroy();
    if (this.#ended || this.pid === 0) return;
    // Deno delivers no exit of a child that does not keep it alive.
    this.#child.ref();
    this.#signalGroup();
  }

  ref(): void {
    this.#child.ref();
    for (const stream of this.#streams) setRef(stream, true);
  }

  unref(): void {
    this.#child.unref();
    for (const stream of this.#streams) setRef(stream, false);
  }

  #signalGroup(): void {
    for (const id of [-this.pid, this.pid]) {
      try {
        process.kill(id, "SIGKILL");
      } catch {
        // it ended by itself
      }
    }
  }

  #untilReady(): Promise<void> {
    const log = new BoundedText(START_LOG_BYTES);
    const keep = (chunk: Buffer) => log.push(chunk);
    this.stderr.on("data", keep);
    return new Promise((resolve, reject) => {
      this.#channel.once("data", () => {
        this.stderr.off("data", keep);
        // All that it started so far is trusted, and nothing more is started before the orders.
        this.#joined.then(() => this.#group?.takeTree(this.pid)).then(resolve, (error: unknown) => {
          this.kill();
          reject(SkillError.from(error, "start_failed", "the program's control group cannot be used"));
        });
      });
      this.exited.then((exit) => reject(startFailed(this.#plan, exit, log.toString())), reject);
    });
  }

  #untilExit(): Promise<ProcessExit> {
    return new Promise((resolve) => {
      const settle = (exit: ProcessExit) => {
        if (this.#ended) return;
        this.#ended = true;
        this.#stopWatching();
        this.#proxy?.close();
        const done = () => {
          clearTimeout(grace);
          for (const stream of this.#streams) stream.destroy();
          resolve({ ...exit, ...this.#hitLimit(exit) });
          // What it counted was just read.
          void this.#group?.remove();
        };
        const grace = setTimeout(done, GRACE_MS);
        this.#child.once("close", done);
      };
      this.#child.once("exit", (code, signal) => {
        // Only a plan that cannot end its whole tree has anybody left in the group.
        if (this.#plan.unenforced.includes("tree_kill")) this.#signalGroup();
        settle({ code, signal });
      });
      this.#child.on("error", (error) => {
        if (this.pid === 0) settle({ code: null, signal: null, error: error.message });
      });
    });
  }

  #send(line: string): void {
    if (this.#ended) return;
    this.#startWatching();
    this.#channel.end(line);
  }

  #startWatching(): void {
    const { watch, measure } = this.#plan;
    const onExcess = (limit: LimitName) => {
      this.#limit ??= limit;
      this.kill();
    };
    const tree = measure === undefined ? undefined : new TreeWatch(this.pid, measure, onExcess);
    const stopWatch = watch === undefined ? () => {} : watchFolders(watch, () => onExcess("scratch_total"));
    this.#tree = tree;
    this.#stopWatching = () => {
      tree?.end();
      stopWatch();
    };
  }

  /** First what the host saw, then what the way it ended tells. */
  #hitLimit(exit: ProcessExit): Pick<ProcessExit, "limit" | "claimed"> {
    const limit = this.#limit ?? (exit.code === 0 ? undefined : this.#group?.limit);
    if (limit !== undefined) return { limit };
    return limitOfExit(exit, this.#plan, this.#tree?.cpuMs ?? 0);
  }
}

/** The group of a plan, and the entry of its first process; a failure is told when it is waited for. */
function groupOf({ group }: SandboxPlan, pid: number): [Cgroup | undefined, Promise<void>] {
  if (group === undefined || pid === 0) return [undefined, Promise.resolve()];
  try {
    const made = new Cgroup(group);
    const joined = made.take(pid);
    joined.catch(() => {});
    return [made, joined];
  } catch (error) {
    const failed = Promise.reject(error);
    failed.catch(() => {});
    return [undefined, failed];
  }
}

function startProxy(plan: ProxyPlan): NetworkProxy {
  try {
    return new NetworkProxy(plan);
  } catch (error) {
    throw SkillError.from(error, "start_failed", `no proxy could be started at "${plan.socket}"`);
  }
}

function startChild(plan: SandboxPlan): ChildProcess {
  try {
    return spawn(plan.command, [...plan.args], {
      stdio: ["pipe", "pipe", "pipe", plan.filter === undefined ? "ignore" : "pipe", "pipe"],
      env: { ...plan.env },
      cwd: "/",
      // A group of its own, so that killing it reaches what has not yet entered its namespace.
      detached: true,
    });
  } catch (error) {
    throw SkillError.from(error, "start_failed", `"${plan.command}" could not be started`);
  }
}

interface ChildStreams {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly filter: Writable;
  readonly channel: Duplex;
}

/** The streams that `startChild` asks for. A child that did not start, or needs no filter, lacks some: closed ones stand in. */
function streamsOf(child: ChildProcess): ChildStreams {
  const all: readonly unknown[] = child.stdio ?? [];
  const at = (index: number) => (all[index] ?? new PassThrough().end()) as Duplex;
  return { stdin: at(0), stdout: at(1), stderr: at(2), filter: at(3), channel: at(4) };
}

function startFailed(plan: SandboxPlan, exit: ProcessExit, log: string): SkillError {
  const how = exit.error ?? (exit.signal === null ? `exit code ${exit.code}` : `signal ${exit.signal}`);
  const said = log.trim();
  return new SkillError(
    "start_failed",
    `"${plan.command}" ended before it was ready: ${how}${said === "" ? "" : `: ${said}`}`,
    { details: { backend: plan.backend, code: exit.code, signal: exit.signal, stderr: said } },
  );
}

/** Pipes of a child have `ref` and `unref` although the stream types don't say so. */
function setRef(stream: Readable | Writable, on: boolean): void {
  const handle = stream as { ref?: () => void; unref?: () => void };
  if (on) handle.ref?.();
  else handle.unref?.();
}
