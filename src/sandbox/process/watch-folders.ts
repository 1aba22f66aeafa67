import { lstat, opendir } from "node:fs/promises";
import { join } from "node:path";
import type { SandboxPlan } from "../types.ts";

/** What folders on the host's disk may hold together. */
export type FolderLimits = NonNullable<SandboxPlan["watch"]>;

/** A disk that takes 1 GB a second is overrun by half of that at most. */
const INTERVAL_MS = 500;

/**
 * Looks at folders again and again and calls `onExcess` once when they hold too much. No quota of the kernel is to be
 * had without privileges. The answer stops the watch; a watch never keeps the host alive.
 */
export function watchFolders(limits: FolderLimits, onExcess: () => void): () => void {
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  const look = async () => {
    if (await exceeds(limits) && !stopped) onExcess();
    else if (!stopped) next();
  };
  const next = () => {
    timer = setTimeout(() => void look(), INTERVAL_MS);
    timer.unref();
  };
  next();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}

/**
 * Whether the folders hold more than the limits say. What vanishes during the look is not counted; a folder that the
 * program has closed to the host holds too much.
 */
export async function exceeds(limits: FolderLimits): Promise<boolean> {
  let bytes = 0;
  let entries = 0;
  const pending = [...limits.folders];
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    try {
      for await (const entry of await opendir(folder)) {
        const path = join(folder, entry.name);
        if (path === limits.except) continue;
        entries += 1;
        if (entry.isDirectory()) pending.push(path);
        else bytes += await bytesOnDisk(path);
        if (bytes > limits.max_bytes || entries > limits.max_entries) return true;
      }
    } catch (error) {
      if (!hasVanished(error)) return true;
    }
  }
  return false;
}

async function bytesOnDisk(path: string): Promise<number> {
  try {
    return (await lstat(path)).blocks * 512;
  } catch (error) {
    if (hasVanished(error)) return 0;
    throw error;
  }
}

function hasVanished(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "ENOENT";
}
