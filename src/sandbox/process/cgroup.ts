import { randomBytes } from "node:crypto";
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from "node:fs";
import { rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { hasEnded, identityText, ownIdentity, readIdentity } from "../../base/process-identity.ts";
import type { LimitName } from "../limit-names.ts";
import type { CgroupPlan } from "../types.ts";
import { processTree } from "./process-tree.ts";

const PREFIX = "skillwright-";
/** A group can be removed when the kernel has forgotten its last process. */
const REMOVE_TRIES = 20;
const REMOVE_WAIT_MS = 50;

/**
 * The group below which this host may make groups: the given one, which must be delegated with controllers `memory` and
 * `pids` switched on for its children; else the host's own one of version 1, which only root may write. Always below
 * what holds the host, so that its own limits hold for its programs. Removes what killed hosts left there.
 */
export function findCgroupParent(given?: string): Pick<CgroupPlan, "parent" | "version"> | undefined {
  const parent = given ?? ownPidsGroup();
  if (parent === undefined || !isWritable(parent)) return undefined;
  const version = existsSync(join(parent, "cgroup.subtree_control")) ? 2 : 1;
  if (version === 2) {
    const controllers = readText(join(parent, "cgroup.subtree_control")).trim().split(" ");
    if (!controllers.includes("memory") || !controllers.includes("pids")) return undefined;
  }
  sweep(parent);
  return { parent, version };
}

/** One group of the kernel for the processes of one program. */
export class Cgroup {
  readonly #dir: string;

  /** Makes it, with its limits in force. @throws what the file system says */
  constructor(plan: CgroupPlan) {
    this.#dir = join(
      plan.parent,
      `${PREFIX}${identityText(ownIdentity())}-${randomBytes(6).toString("hex")}`,
    );
    mkdirSync(this.#dir);
    const set = (name: string, value: string | number) => writeFileSync(join(this.#dir, name), String(value));
    set("pids.max", plan.processes);
    if (plan.version === 1) return;
    set("memory.max", plan.memory_bytes);
    if (existsSync(join(this.#dir, "memory.swap.max"))) set("memory.swap.max", 0);
    set("memory.oom.group", 1);
  }

  /** Takes a process in. Its children to come are in it too; it takes the kernel some twenty milliseconds. */
  async take(pid: number): Promise<void> {
    await writeFile(join(this.#dir, "cgroup.procs"), String(pid));
  }

  /** Takes in what a process started before it was taken in itself. */
  async takeTree(pid: number): Promise<void> {
    const inside = readText(join(this.#dir, "cgroup.procs")).split("\n");
    for (const each of await processTree(pid)) {
      if (!inside.includes(String(each))) await this.take(each);
    }
  }

  /** A limit that the kernel held against the group. */
  get limit(): LimitName | undefined {
    const count = (file: string, name: string) =>
      Number(new RegExp(`^${name} (\\d+)`, "m").exec(readText(join(this.#dir, file)))?.[1] ?? 0);
    if (count("memory.events", "oom_kill") > 0) return "memory";
    return count("pids.events", "max") > 0 ? "processes" : undefined;
  }

  /** Removes it after its last process has ended. Never throws; what stays is for the next host. */
  async remove(): Promise<void> {
    for (let tries = 0; tries < REMOVE_TRIES; tries++) {
      try {
        return await rmdir(this.#dir);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EBUSY") return;
        await sleep(REMOVE_WAIT_MS, undefined, { ref: false });
      }
    }
  }
}

/** Removes the groups of hosts that have ended. One that still holds processes stays. */
function sweep(parent: string): void {
  for (const name of readdirSync(parent)) {
    const host = name.startsWith(PREFIX) ? readIdentity(name.slice(PREFIX.length)) : undefined;
    if (host === undefined || !hasEnded(host)) continue;
    try {
      rmdirSync(join(parent, name));
    } catch {
      // its last processes are just ending, or another host was faster
    }
  }
}

/** The host's own group in the tree of version 1 that counts processes. */
function ownPidsGroup(): string | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const path = /^\d+:(?:[^:\n]*,)?pids(?:,[^:\n]*)?:(\/.*)$/m.exec(readText("/proc/self/cgroup"))?.[1];
  for (const line of readText("/proc/self/mountinfo").split("\n")) {
    const [before = "", after = ""] = line.split(" - ");
    const [, , , root = "", mounted = ""] = before.split(" ");
    const [type, , options = ""] = after.split(" ");
    if (path === undefined || type !== "cgroup" || !options.split(",").includes("pids")) continue;
    if (path === root) return mounted;
    const base = root === "/" ? "" : root;
    if (path.startsWith(`${base}/`)) return join(mounted, path.slice(base.length));
  }
  return undefined;
}

function isWritable(dir: string): boolean {
  try {
    accessSync(dir, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}
