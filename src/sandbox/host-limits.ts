import { availableParallelism } from "node:os";
import type { SandboxLimits, SandboxPlan } from "./types.ts";

/** Entries of the scratch folder: an inode costs the disk, or the kernel's memory, even when it holds nothing. */
const MAX_ENTRIES = 10_000;

/** The watch over what a program fills on the host's disk. */
export function scratchWatch(
  limits: SandboxLimits,
  folders: readonly string[],
): NonNullable<SandboxPlan["watch"]> {
  return { folders, max_bytes: limits.scratch_mb * (1 << 20), max_entries: MAX_ENTRIES };
}

/** The share of one core to keep a program at, unless it is more than there is. */
export function throttledTo(limits: SandboxLimits): Pick<SandboxPlan, "cpu_percent"> {
  return limits.cpu_percent < 100 * availableParallelism() ? { cpu_percent: limits.cpu_percent } : {};
}
