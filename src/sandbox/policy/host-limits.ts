import { availableParallelism } from "node:os";
import type { SandboxLimits, SandboxPlan } from "../types.ts";
import { STACK_BYTES } from "./limits.ts";

/** Entries of the scratch folder: an inode costs the disk, or the kernel's memory, even when it holds nothing. */
const MAX_ENTRIES = 10_000;

/** The watch over what a program fills on the host's disk. */
export function scratchWatch(
  limits: SandboxLimits,
  folders: readonly string[],
): NonNullable<SandboxPlan["watch"]> {
  return { folders, max_bytes: limits.scratch_mb * (1 << 20), max_entries: MAX_ENTRIES };
}

/** What to measure in a program's processes. A share of all processors that there are needs no watch. */
export function measured(
  { cpu_percent, cpu_seconds, memory_mb, disk_io_mb }: SandboxLimits,
): NonNullable<SandboxPlan["measure"]> {
  return {
    ...(cpu_percent < 100 * availableParallelism() ? { cpu_percent } : {}),
    ...(cpu_seconds === undefined ? {} : { cpu_ms: cpu_seconds * 1000 }),
    // The kernel keeps one process at its limit, but for its stack; several together, or shared memory, it does not.
    memory_bytes: memory_mb * (1 << 20) + STACK_BYTES,
    ...(disk_io_mb === undefined ? {} : { disk_bytes: disk_io_mb * (1 << 20) }),
  };
}
