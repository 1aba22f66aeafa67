import { readdir, readFile } from "node:fs/promises";

/** What a process and all below it have used, and hold. */
export interface TreeUsage {
  /** Outermost first. */
  readonly pids: readonly number[];
  /** Processor time, of ended children too. */
  readonly cpuMs: number;
  /** Memory that only a program makes: no code, no files. What processes share is counted for each. */
  readonly memoryBytes: number;
  /** Read from and written to a disk, of ended children too; undefined where the kernel does not tell. */
  readonly diskBytes: number | undefined;
  /** Processes of which the kernel does not tell the host what they read and write. */
  readonly unseen: number;
}

/** Unit of the times in /proc, the same on every Linux: USER_HZ. */
const TICK_MS = 10;

/** A process and all below it, outermost first. */
export async function processTree(pid: number): Promise<number[]> {
  const found = [pid];
  // Children belong to the thread that started them.
  for (const parent of found) {
    const threads = await readdir(`/proc/${parent}/task`).catch(() => []);
    for (const thread of threads) {
      const children = await read(`/proc/${parent}/task/${thread}/children`);
      found.push(...children.split(" ").filter((text) => text !== "").map(Number));
    }
  }
  return found;
}

/** Looks at a process and all below it. What has ended meanwhile counts nothing. */
export async function treeUsage(pid: number): Promise<TreeUsage> {
  const pids = await processTree(pid);
  const each = await Promise.all(pids.map(usage));
  const seen = each.filter(({ diskBytes }) => diskBytes !== undefined).length;
  return {
    pids,
    cpuMs: sum(each.map(({ cpuMs }) => cpuMs)),
    memoryBytes: sum(each.map(({ memoryBytes }) => memoryBytes)),
    diskBytes: seen > 0 ? sum(each.map(({ diskBytes = 0 }) => diskBytes)) : undefined,
    unseen: each.length - seen,
  };
}

/** The memory of processes with what they share counted once. Slower: it walks through their page tables. */
export async function exactMemory(pids: readonly number[]): Promise<number> {
  return sum(
    await Promise.all(pids.map(async (pid) => {
      const text = await read(`/proc/${pid}/smaps_rollup`);
      return kilobytes(text, "Pss_Anon") + kilobytes(text, "Pss_Shmem");
    })),
  );
}

async function usage(
  pid: number,
): Promise<{ cpuMs: number; memoryBytes: number; diskBytes: number | undefined }> {
  const [stat, status, io] = await Promise.all(
    ["stat", "status", "io"].map((name) => read(`/proc/${pid}/${name}`)),
  );
  // The name before it, in brackets, is chosen by the program and may hold anything.
  const fields = (stat ?? "").slice((stat ?? "").lastIndexOf(")") + 2).split(" ");
  return {
    cpuMs: sum(fields.slice(11, 15).map(Number)) * TICK_MS,
    memoryBytes: kilobytes(status ?? "", "RssAnon") + kilobytes(status ?? "", "RssShmem"),
    diskBytes: io ? counter(io, "read_bytes") + counter(io, "write_bytes") : undefined,
  };
}

function kilobytes(text: string, name: string): number {
  return counter(text, name) * 1024;
}

function counter(text: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

async function read(path: string): Promise<string> {
  return await readFile(path, "latin1").catch(() => "");
}
