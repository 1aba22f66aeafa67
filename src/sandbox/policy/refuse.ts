import { SkillError } from "../../base/errors.ts";
import { isOffline } from "../network/plan-network.ts";
import type { Capability, SandboxPolicy, SandboxReport } from "../types.ts";

/** What a policy needs its backend to enforce. */
export function requiredCapabilities(policy: SandboxPolicy): Capability[] {
  return [
    "file_read",
    "file_write",
    isOffline(policy) ? "network_deny" : policy.network === true ? "network_open" : "network_allow_list",
    policy.spawn ? "process_spawn_allow" : "process_spawn_deny",
    "tree_kill",
    "memory",
    "cpu",
    "file_size",
    "scratch_total",
    ...(policy.limits.disk_io_mb === undefined ? [] : ["disk_io"] as const),
  ];
}

/**
 * Refuses a policy of which a part cannot be enforced: never weaker in silence.
 *
 * @throws {SkillError} `sandbox_unavailable`; `details.missing` names each point with its reason and its fix.
 */
export function refuseUnenforceable(policy: SandboxPolicy, report: SandboxReport): void {
  const missing = requiredCapabilities(policy)
    .filter((capability) => !report.enforced.includes(capability))
    .map((capability) =>
      report.missing.find((entry) => entry.capability === capability) ??
        { capability, reason: "it was not tested here", fix: "choose another backend" }
    );
  const first = missing[0];
  if (first === undefined) return;
  const points = missing.map(({ capability, reason }) => `${capability} (${reason})`).join(", ");
  throw new SkillError("sandbox_unavailable", `the sandbox "${report.backend}" cannot enforce ${points}`, {
    fix: [...new Set(missing.map(({ fix }) => fix))].join("; "),
    details: { backend: report.backend, missing },
  });
}
