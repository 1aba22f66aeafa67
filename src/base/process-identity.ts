import { readFileSync, readlinkSync } from "node:fs";
import process from "node:process";

/**
 * A process as no other one ever is: its id, when it started (in ticks since the machine did), and the namespace in
 * which that id holds. As text it fits a file's name. Where there is no /proc, ids alone have to do.
 */
export interface ProcessIdentity {
  readonly pid: number;
  readonly started: string;
  readonly namespace: string;
}

/** Who this process is. */
export function ownIdentity(): ProcessIdentity {
  return { pid: process.pid, started: startOf(process.pid) ?? "0", namespace: ownNamespace() };
}

/** The identity as text: letters, digits and hyphens; short, because paths of sockets are. */
export function identityText({ pid, started, namespace }: ProcessIdentity): string {
  return [pid, started, namespace].map((part) => Number(part).toString(36)).join("-");
}

/** Reads what `identityText` wrote at the beginning of a name. */
export function readIdentity(name: string): ProcessIdentity | undefined {
  const parts = /^([0-9a-z]{1,7})-([0-9a-z]{1,10})-([0-9a-z]{1,10})-/.exec(name)?.slice(1);
  const [pid, started, namespace] = parts?.map((part) => parseInt(part, 36)) ?? [];
  if (pid === undefined || started === undefined || namespace === undefined) return undefined;
  return { pid, started: String(started), namespace: String(namespace) };
}

/** Whether a process has surely ended. One of another namespace is not to be seen from here, so it has not. */
export function hasEnded({ pid, started, namespace }: ProcessIdentity): boolean {
  if (namespace !== ownNamespace()) return false;
  if (process.platform === "linux") return startOf(pid) !== started;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}

/** When a living process started; undefined for none, and for one of which only its exit code is left. */
function startOf(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The name before it, in brackets, may hold anything.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

function ownNamespace(): string {
  try {
    return /\d+/.exec(readlinkSync("/proc/self/ns/pid"))?.[0] ?? "0";
  } catch {
    return "0";
  }
}
