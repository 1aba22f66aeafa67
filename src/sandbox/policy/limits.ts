import type { SandboxLimits } from "../types.ts";

/** Limits by the names of Python's `resource` module: soft and hard. */
export type ResourceLimitPairs = Readonly<Record<string, readonly [number, number]>>;

const MB = 1 << 20;
/** Python's threads take this much address space each. */
export const STACK_BYTES: number = 8 * MB;

/**
 * The kernel's limits for one process. RLIMIT_DATA counts private memory exactly but not shared mappings; RLIMIT_AS
 * counts those too, and must be wide because thread stacks and arenas only reserve.
 */
export function resourceLimits(limits: SandboxLimits, countProcesses: boolean): ResourceLimitPairs {
  const same = (value: number) => [value, value] as const;
  const memory = Math.floor(limits.memory_mb * MB);
  const cpu = limits.cpu_seconds === undefined ? undefined : Math.max(1, Math.ceil(limits.cpu_seconds));
  return {
    RLIMIT_DATA: same(memory),
    RLIMIT_AS: same(memory * 4),
    RLIMIT_FSIZE: same(Math.floor(limits.file_size_mb * MB)),
    RLIMIT_NOFILE: same(limits.open_files),
    RLIMIT_STACK: same(STACK_BYTES),
    RLIMIT_CORE: same(0),
    // The soft one can be told apart: its signal ends the program with 152.
    ...(cpu === undefined ? {} : { RLIMIT_CPU: [cpu, cpu + 1] as const }),
    ...(countProcesses ? { RLIMIT_NPROC: same(limits.processes) } : {}),
  };
}
