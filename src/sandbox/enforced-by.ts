import { requiredCapabilities } from "./refuse.ts";
import type { BackendName, Capability, SandboxPlan, SandboxPolicy } from "./types.ts";

/** A promise to whoever grants a policy, and what keeps it. */
export interface Enforcement {
  readonly capability: Capability;
  /** Undefined: nothing does. */
  readonly by: string | undefined;
}

const RLIMIT = "a limit of the kernel on each process";
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
    memory: RLIMIT,
    cpu: HOST_CPU,
    file_size: RLIMIT,
    scratch_total: "the size of a temporary file system, and the host, which watches out/",
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
    memory: RLIMIT,
    cpu: HOST_CPU,
    file_size: RLIMIT,
    scratch_total: "the host, which watches the working folder",
  },
};

/** What keeps each promise that a policy asks for under a plan. */
export function enforcedBy(policy: SandboxPolicy, plan: SandboxPlan): readonly Enforcement[] {
  const means = plan.backend === "unsafe-none" ? undefined : MEANS[plan.backend];
  return requiredCapabilities(policy).map((capability) => ({
    capability,
    by: plan.unenforced.includes(capability) ? undefined : means?.[capability],
  }));
}
