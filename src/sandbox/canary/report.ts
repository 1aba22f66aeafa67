import { type BackendName, CAPABILITIES, type Capability, type SandboxReport } from "../types.ts";
import { type CanaryResult, refused } from "./canary.ts";

/** Why a promise cannot be kept, and what helps. */
export interface Obstacle {
  readonly reason: string;
  readonly fix: string;
}

/** A report that keeps every promise but those with an obstacle. Usable when a program without grants can run. */
export function makeReport(
  backend: BackendName,
  obstacles: Readonly<Partial<Record<Capability, Obstacle>>>,
): SandboxReport {
  const missing = CAPABILITIES.flatMap((capability) => {
    const obstacle = obstacles[capability];
    return obstacle === undefined ? [] : [{ capability, ...obstacle }];
  });
  const enforced = CAPABILITIES.filter((capability) => obstacles[capability] === undefined);
  const usable = BASIC.every((capability) => enforced.includes(capability));
  return { backend, usable, enforced, missing };
}

/** A report of a backend that cannot run at all. */
export function unusable(backend: BackendName, obstacle: Obstacle): SandboxReport {
  return makeReport(backend, Object.fromEntries(CAPABILITIES.map((capability) => [capability, obstacle])));
}

/** The obstacles that an attack under the full plan showed. */
export function obstaclesFound(
  attack: CanaryResult,
  cpuSeconds: number,
  fix: string,
): Partial<Record<Capability, Obstacle>> {
  const { facts } = attack;
  const broken: [Capability, boolean, string][] = [
    ["file_read", attack.secretRead, "a test program read a file outside its grants"],
    ["file_write", attack.outsideWritten, "a test program changed a file outside its grants"],
    ["network_deny", attack.serverReached, "a test program reached a server of this machine"],
    ["process_spawn_deny", !refused(facts, "fork"), "a test program started a process"],
    ["process_spawn_deny", !refused(facts, "execute"), "a test program ran another one"],
    ["memory", !refused(facts, "memory"), "a test program got more memory than its limit"],
    ["file_size", !refused(facts, "file_size"), "a test program wrote a file above its limit"],
    ["cpu", facts["cpu"] !== cpuSeconds + 1, "the limit of processor time did not hold"],
  ];
  return {
    ...(attack.diskSeen ? {} : { disk_io: UNSEEN }),
    ...Object.fromEntries(
      broken.filter(([, isBroken]) => isBroken).map((
        [capability, , reason],
      ) => [capability, { reason, fix }]),
    ),
  };
}

const UNSEEN = {
  reason: "the kernel does not tell what a process reads from and writes to disk",
  fix: "use a kernel with CONFIG_TASK_IO_ACCOUNTING",
};

/** What a program without any grant needs. */
const BASIC: readonly Capability[] = [
  ...["file_read", "file_write", "network_deny", "process_spawn_deny", "tree_kill"] as const,
  ...["memory", "cpu", "file_size", "scratch_total"] as const,
];
