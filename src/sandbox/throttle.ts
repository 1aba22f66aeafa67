import { readFile } from "node:fs/promises";
import process from "node:process";

/** What a process may use before it is slowed down: enough for its imports. */
const BURST_MS = 1000;
const BUSY_INTERVAL_MS = 50;
const IDLE_INTERVAL_MS = 500;
/** Unit of the times in /proc, the same on every Linux: USER_HZ. */
const TICK_MS = 10;

/**
 * Keeps a process and its descendants near `percent` of one core by stopping and continuing them. No other way is to
 * be had without privileges. The answer ends it; it never keeps the host alive.
 */
export function throttle(pid: number, percent: number): () => void {
  let ended = false;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let budget = BURST_MS;
  let last = { at: performance.now(), used: 0 };

  const look = async () => {
    const pids = await descendants(pid);
    const used = (await Promise.all(pids.map(cpuTime))).reduce((sum, time) => sum + time, 0);
    if (ended) return;
    const now = performance.now();
    const delta = Math.max(0, used - last.used);
    budget = Math.min(BURST_MS, budget + (now - last.at) * (percent / 100) - delta);
    last = { at: now, used };
    if (stopped ? budget >= 0 : budget < 0) {
      stopped = !stopped;
      for (const each of pids) signal(each, stopped ? "SIGSTOP" : "SIGCONT");
    }
    next(stopped || delta > 0 ? BUSY_INTERVAL_MS : IDLE_INTERVAL_MS);
  };
  const next = (delay: number) => {
    timer = setTimeout(() => void look(), delay);
    timer.unref();
  };
  next(IDLE_INTERVAL_MS);
  return () => {
    ended = true;
    clearTimeout(timer);
  };
}

/** A process and all below it, outermost first. */
async function descendants(pid: number): Promise<number[]> {
  const found = [pid];
  for (const parent of found) {
    const children = await readFile(`/proc/${parent}/task/${parent}/children`, "latin1").catch(() => "");
    found.push(...children.split(" ").filter((text) => text !== "").map(Number));
  }
  return found;
}

/** Milliseconds of processor time of a process with all its threads; 0 when it is gone. */
async function cpuTime(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, "latin1").catch(() => "");
  // The name before it, in brackets, is chosen by the program and may hold anything.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) * TICK_MS;
}

function signal(pid: number, name: "SIGSTOP" | "SIGCONT"): void {
  try {
    process.kill(pid, name);
  } catch {
    // it ended meanwhile
  }
}
