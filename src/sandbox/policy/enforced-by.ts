import type { BackendName, Capability, SandboxPlan, SandboxPolicy, SandboxReport } from "../types.ts";
import { requiredCapabilities } from "./refuse.ts";

/** A promise to whoever grants a policy, and what keeps it. */
export interface Enforcement {
  readonly capability: Capability;
  /** Undefined: nothing does. */
  readonly by: string | undefined;
}

const RLIMIT = "a limit of the kernel on each process";
const MEMORY =
  `${RLIMIT}, and the host, which measures all together and ends them, late by half a second at most`;
const HOST_DISK = "the host, which measures it and ends the process, late by half a second at most";
const HOST_CPU = "a limit of the kernel, and the host, which stops and continues the process";

const MEANS: Readonly<Record<Exclude<BackendName, "unsafe-none">, Readonly<Record<Capability, string>>>> = {
  bubblewrap: {
    file_read: "mounts of bubblewrap, and Landlock",
    file_write: "mounts of bubblewrap, and Landlock",
    network_deny: "a network of its own without a way out, and a filter of system calls",
    network_allow_list: "a network of its own, whose only way out is a proxy in the host",
    network_open: "a network of its own, whose only way out is a proxy in the host",
    process_spawn_deny: "a filter of system calls",
    process_spawn_allow: "a namespace of processes",
    tree_kill: "a namespace of processes that ends with the host",
    memory: MEMORY,
    cpu: HOST_CPU,
    file_size: RLIMIT,
    scratch_total: "the size of a temporary file system, and the host, which watches out/",
    disk_io: HOST_DISK,
  },
  landlock: {
    file_read: "Landlock",
    file_write: "Landlock",
    network_deny: "a filter of system calls",
    network_allow_list: "nothing",
    network_open: "nothing",
    process_spawn_deny: "a filter of system calls",
    process_spawn_allow: "nothing",
    tree_kill: "the kernel, which ends the one process with the host",
    memory: MEMORY,
    cpu: HOST_CPU,
    file_size: RLIMIT,
    scratch_total: "the host, which watches the working folder",
    disk_io: HOST_DISK,
  },
};

/** What keeps each promise that a policy asks for under a plan. */
export function enforcedBy(policy: SandboxPolicy, plan: SandboxPlan): readonly Enforcement[] {
  return requiredCapabilities(policy).map((capability) => ({
    capability,
    by: plan.unenforced.includes(capability) ? undefined : means(plan, capability),
  }));
}

/** What keeps each promise that a sandbox can keep here. */
export function enforcedHere(report: SandboxReport): readonly Enforcement[] {
  return report.enforced.map((capability) => ({ capability, by: means(report, capability) }));
}

function means(
  { backend, group }: Pick<SandboxReport, "backend" | "group">,
  capability: Capability,
): string | undefined {
  const by = backend === "unsafe-none" ? undefined : MEANS[backend][capability];
  const counts = capability === "process_spawn_allow" || (capability === "memory" && group?.version === 2);
  return group === undefined || !counts ? by : `${by}, and a control group for each program`;
}
