import { statSync } from "node:fs";
import { join } from "node:path";
import type { Json } from "../../src/base/json.ts";
import type { Attack, AttackPlace, Attempt } from "./attack.ts";
import { type Battery, battery, callOnce, eachAlone, fixture, type Scene } from "./battery.ts";
import { Victim } from "./victim.ts";

const CODE = fixture("attacker", "process");
const LARGE = 32 << 20;
const THREADS = 400;

/** A process of the same user, for each attempt another one. */
async function withVictim(place: AttackPlace): Promise<Scene> {
  const victim = await Victim.start(place);
  return {
    order: { victim: victim.pid, address: victim.address },
    reached: async (_name, got) => got === true || !await victim.isUntouched(),
  };
}

const rootOnly = (...names: readonly string[]) => (name: string, { isRoot }: AttackPlace): boolean =>
  names.includes(name) && !isRoot;

/** The process that stands above one that may start children. */
async function aboveChildren(place: AttackPlace): Promise<readonly Attempt[]> {
  const { enforced } = await place.sandbox.probe();
  if (!enforced.includes("process_spawn_allow")) return [];
  const scene: Battery["scene"] = async () => ({
    ...await withVictim(place),
    overrides: { policy: { spawn: true } },
  });
  const tried = await battery(place, {
    code: CODE,
    attempts: ["first_process"],
    scene,
    optional: ["first_process"],
  });
  return tried.map((attempt) => ({ ...attempt, name: "first_process_with_children" }));
}

/** A signal to everybody. The one that kills is sent only after a look that reached nobody. */
async function signalAll(place: AttackPlace): Promise<readonly Attempt[]> {
  const victim = await Victim.start(place);
  const shoot = (sandbox: AttackPlace["sandbox"], only_look: boolean) =>
    callOnce(place, sandbox, place.program(CODE), "attack", {
      attempts: ["signal_all"],
      order: { only_look, alone: !only_look },
    });
  const got = (value: Json | undefined) =>
    (value as { signal_all?: { got?: Json } } | undefined)?.signal_all?.got;
  const looked = await shoot(place.sandbox, true);
  if (got(looked.result?.value) === true) {
    return [{ name: "signal_all", answer: "escaped", control: "not possible", note: "it reaches others" }];
  }
  await shoot(place.sandbox, false);
  const control = await shoot(place.unguarded, true);
  return [{
    name: "signal_all",
    answer: await victim.isUntouched() ? "held" : "escaped",
    control: got(control.result?.value) === true,
  }];
}

/** What the host set is changed by the program. */
async function ownLimits(place: AttackPlace): Promise<readonly Attempt[]> {
  const own = (place: AttackPlace): Scene => {
    const marks = place.fresh();
    return {
      order: { marks, large: LARGE },
      overrides: { policy: { write: [marks] } },
      reached: (name, got) =>
        name === "raise_hard_limit" ? sizeOf(join(marks, "large")) === LARGE : got === true,
    };
  };
  return [
    ...await battery(place, {
      code: CODE,
      attempts: ["raise_hard_limit", "outlive_host", "own_processors", "higher_priority", "realtime"],
      scene: own,
      uncontrolled: rootOnly("higher_priority", "realtime"),
    }),
    ...await eachAlone(place, {
      code: CODE,
      attempts: ["limits_of_others", "processors_of_others", "priority_of_others"],
      scene: withVictim,
    }),
  ];
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

async function threadBomb(place: AttackPlace): Promise<readonly Attempt[]> {
  const bomb = (sandbox: AttackPlace["sandbox"]) =>
    callOnce(place, sandbox, place.program(CODE, { call_timeout_ms: 15_000 }), "thread_bomb", {
      most: THREADS,
    });
  const { result, error } = await bomb(place.sandbox);
  const free = await bomb(place.unguarded);
  const bounded = result === undefined ? error.code === "timeout" : Number(result.value) < THREADS / 4;
  return [{
    name: "thread_bomb",
    answer: bounded ? "held" : result?.value === THREADS ? "escaped" : "failed",
    control: free.result?.value === THREADS,
    ...(bounded ? {} : { note: JSON.stringify(result?.value ?? error?.message) }),
  }];
}

/** Doors into the kernel that a Python program needs none of. */
const CALLS = [
  "io_uring_setup",
  "bpf",
  "userfaultfd",
  "keyctl",
  "add_key",
  "perf_event_open",
  "unshare",
  "unshare_mounts",
  "setns",
  "ptrace",
  "pidfd_getfd",
  "open_by_handle_at",
  "mount",
  "pivot_root",
  "chroot",
  "fsopen",
  "open_tree",
  "move_mount",
  "mount_setattr",
  "init_module",
  "kexec_load",
  "process_madvise",
  "shmget",
  "msgget",
];

async function kernelDoors(place: AttackPlace): Promise<readonly Attempt[]> {
  const ask = (sandbox: AttackPlace["sandbox"], names: readonly string[]) =>
    callOnce(place, sandbox, place.program(CODE), "dangerous_calls", { names: [...names] });
  const { result, error } = await ask(place.sandbox, CALLS);
  if (error !== undefined) throw error;
  const met = result.value as Record<string, string>;
  // What is let through changes who the process is, so these come one by one.
  const changing = CALLS.filter((name) => name.startsWith("unshare"));
  let without: Readonly<Record<string, string>> = {};
  for (const names of [CALLS.filter((name) => !changing.includes(name)), ...changing.map((name) => [name])]) {
    const free = await ask(place.unguarded, names);
    without = { ...without, ...free.result?.value as Record<string, string> };
  }
  return CALLS.map((name) => {
    const answer = met[name] ?? "nothing";
    return {
      name,
      // Any other error is the kernel's own: it took the call.
      answer: isClosed(answer) ? "denied" : "escaped",
      control: isClosed(without[name] ?? "EPERM") ? "not possible" : true,
      ...(isClosed(answer) ? {} : { note: answer }),
    };
  });
}

function isClosed(error: string): boolean {
  return error === "EPERM" || error === "ENOSYS";
}

/** Reaching other processes, or the kernel. */
export const processOthers: readonly Attack[] = [
  {
    case: 27,
    name: "other_processes_memory",
    expected: "denied",
    owner: "sandbox",
    where: "each backend",
    run: async (place) => [
      ...await eachAlone(place, {
        code: CODE,
        attempts: ["write_memory", "process_vm_writev", "ptrace", "read_environment", "first_process"],
        scene: withVictim,
        optional: ["first_process"],
      }),
      ...await aboveChildren(place),
    ],
  },
  {
    case: 28,
    name: "kill_minus_one",
    expected: "held",
    owner: "sandbox",
    where: "each backend",
    slow: true,
    run: async (place) => [
      ...await signalAll(place),
      ...await eachAlone(place, {
        code: CODE,
        attempts: ["signal_victim", "signal_group", "signal_by_pidfd", "stop_victim"],
        scene: withVictim,
        expected: "held",
      }),
    ],
  },
  {
    case: 29,
    name: "raise_limits_and_priorities",
    expected: "denied",
    owner: "sandbox",
    where: "each backend",
    run: ownLimits,
  },
  {
    case: 30,
    name: "thread_bomb",
    expected: "held",
    owner: "sandbox",
    where: "each backend",
    run: threadBomb,
  },
  {
    case: 31,
    name: "doors_into_the_kernel",
    expected: "denied",
    owner: "sandbox",
    where: "each backend",
    run: kernelDoors,
  },
];
