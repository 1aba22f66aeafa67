import type { LimitName } from "../limit-names.ts";
import type { ProcessExit, SandboxPlan } from "../types.ts";

/** How far behind the host's last look may be. */
const LOOK_MS = 750;

/** The limit for which a process ended, by what was seen: `claimed` when a program could have made it up. */
export function limitOfExit(
  { code, signal }: ProcessExit,
  { measure }: SandboxPlan,
  cpuMs: number,
): Pick<ProcessExit, "limit" | "claimed"> {
  const how = code === null ? signal : EXIT_SIGNALS[code];
  const spent = measure?.cpu_ms !== undefined && cpuMs >= measure.cpu_ms - LOOK_MS;
  if ((how === "SIGXCPU" || how === "SIGKILL") && spent) return { limit: "cpu" };
  const limit = KERNEL[how ?? ""];
  return limit === undefined ? {} : { limit, claimed: true };
}

/** What a shell, and bubblewrap, make of a signal. A program may as well exit with such a number by itself. */
const EXIT_SIGNALS: Readonly<Record<number, string>> = { 137: "SIGKILL", 152: "SIGXCPU", 153: "SIGXFSZ" };

const KERNEL: Readonly<Record<string, LimitName>> = { SIGXCPU: "cpu", SIGXFSZ: "file_size" };
