import process from "node:process";
import type { LimitName } from "../limit-names.ts";
import type { SandboxPlan } from "../types.ts";
import { exactMemory, type TreeUsage, treeUsage } from "./process-tree.ts";

/** What the host measures in running processes. */
export type TreeLimits = NonNullable<SandboxPlan["measure"]>;

/** What a process may use before it is slowed down: enough for its imports. */
const BURST_MS = 1000;
const BUSY_INTERVAL_MS = 50;
const IDLE_INTERVAL_MS = 500;

/**
 * Looks at a process and its descendants again and again. Keeps them near a share of one core by stopping and
 * continuing them, and tells once when they hold too much memory or used the disk too much: that comes late by one
 * look, so a fast disk is overrun by some hundred megabytes. No other way is to be had without privileges. It never keeps
 * the host alive.
 */
export class TreeWatch {
  readonly #pid: number;
  readonly #limits: TreeLimits;
  readonly #onExcess: (limit: LimitName) => void;
  #timer: NodeJS.Timeout | undefined;
  #ended = false;
  #stopped = false;
  #budget = BURST_MS;
  #lookedAt = performance.now();
  #cpuMs = 0;
  #diskBytes = 0;
  #diskBefore = 0;

  constructor(pid: number, limits: TreeLimits, onExcess: (limit: LimitName) => void) {
    this.#pid = pid;
    this.#limits = limits;
    this.#onExcess = onExcess;
    this.#next(IDLE_INTERVAL_MS);
  }

  /** Processor time that was used when it was last looked at. */
  get cpuMs(): number {
    return this.#cpuMs;
  }

  /** A call begins: what was read and written before does not count against it. */
  beginCall(): void {
    this.#diskBefore = this.#diskBytes;
  }

  end(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
  }

  async #look(): Promise<void> {
    const usage = await treeUsage(this.#pid);
    if (this.#ended) return;
    const used = Math.max(0, usage.cpuMs - this.#cpuMs);
    this.#cpuMs = Math.max(this.#cpuMs, usage.cpuMs);
    this.#diskBytes = Math.max(this.#diskBytes, usage.diskBytes ?? 0);
    const excess = await this.#excess(usage);
    if (this.#ended) return;
    if (excess !== undefined) {
      this.end();
      this.#onExcess(excess);
      return;
    }
    this.#throttle(usage.pids, used);
    this.#next(this.#stopped || used > 0 ? BUSY_INTERVAL_MS : IDLE_INTERVAL_MS);
  }

  async #excess({ pids, memoryBytes }: TreeUsage): Promise<LimitName | undefined> {
    const { memory_bytes, disk_bytes = Infinity } = this.#limits;
    if (this.#diskBytes - this.#diskBefore > disk_bytes) return "disk_io";
    return memoryBytes > memory_bytes && await exactMemory(pids) > memory_bytes ? "memory" : undefined;
  }

  #throttle(pids: readonly number[], used: number): void {
    const { cpu_percent } = this.#limits;
    const now = performance.now();
    const elapsed = now - this.#lookedAt;
    this.#lookedAt = now;
    if (cpu_percent === undefined) return;
    this.#budget = Math.min(BURST_MS, this.#budget + elapsed * (cpu_percent / 100) - used);
    if (this.#stopped ? this.#budget < 0 : this.#budget >= 0) return;
    this.#stopped = !this.#stopped;
    for (const pid of pids) signal(pid, this.#stopped ? "SIGSTOP" : "SIGCONT");
  }

  #next(delay: number): void {
    this.#timer = setTimeout(() => void this.#look(), delay);
    this.#timer.unref();
  }
}

function signal(pid: number, name: "SIGSTOP" | "SIGCONT"): void {
  try {
    process.kill(pid, name);
  } catch {
    // it ended meanwhile
  }
}
