import { readdirSync, readFileSync } from "node:fs";

/**
 * Kilobytes of memory of a process and everything below it, as PSS: pages that several processes share count by their
 * share. Linux only.
 */
export function memoryOfTree(root: number): number {
  return [root, ...descendants(root)].reduce((sum, pid) => sum + memoryOf(pid), 0);
}

function memoryOf(pid: number): number {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  return Number(/^Pss:\s+(\d+) kB$/m.exec(text)?.[1]);
}

/** Ids of the processes that a process has started and that still run. */
export function childrenOf(parent: number): readonly number[] {
  return processes().filter((one) => one.parent === parent).map(({ pid }) => pid);
}

function descendants(root: number): readonly number[] {
  return childrenOf(root).flatMap((pid) => [pid, ...descendants(pid)]);
}

function processes(): readonly { readonly pid: number; readonly parent: number }[] {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).flatMap((name) => {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "latin1");
      // The command's name stands in parentheses and may hold anything: fields are counted from behind it.
      return [{ pid: Number(name), parent: Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]) }];
    } catch {
      return []; // it has just ended
    }
  });
}
