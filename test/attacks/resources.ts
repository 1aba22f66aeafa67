import { fileURLToPath } from "node:url";
import type { SkillErrorCode } from "../../src/base/errors.ts";
import type { Json } from "../../src/base/json.ts";
import type { CallResult } from "../../src/runner/types.ts";
import { pathsBelow } from "./paths-below.ts";
import type { Attack, AttackPlace, ProgramOverrides } from "./attack.ts";
import { call, fixture, type Outcome, outcomeOf, succeeds, tryOne } from "./trial.ts";
import { sharedCache, withoutUv } from "./with-uv.ts";

/** Calls a function of `fixtures/resources.py` in the sandbox under test, or in none. */
function use(place: AttackPlace, overrides: ProgramOverrides = {}): {
  readonly guarded: (tool: string, input?: Json) => Promise<CallResult>;
  readonly free: (tool: string, input?: Json) => Promise<CallResult>;
} {
  const program = place.program(fixture("resources.py"), overrides);
  const [runner, unguarded] = [place.runner(), place.runner(place.unguarded)];
  return {
    guarded: (tool, input = {}) => call(runner, program, tool, input),
    free: (tool, input = {}) => call(unguarded, program, tool, input),
  };
}

/** Exit code as a shell would tell it, of what ended a process. */
function exitCode({ error }: Outcome<unknown>): unknown {
  const { exit_code: code, signal } = error?.details ?? {};
  return signal === "SIGKILL" ? 137 : signal === "SIGSEGV" ? 139 : signal === "SIGXCPU" ? 152 : code;
}

function number({ value }: Outcome<CallResult>): number {
  return typeof value?.value === "number" ? value.value : NaN;
}

/** Takes blocks of ten megabytes: some, and not more than `most`. */
async function take(place: AttackPlace, kind: string, memory_mb: number, most: number, tries: number) {
  const { guarded, free } = use(place, { policy: { limits: { memory_mb } } });
  return await tryOne({
    name: `${kind} memory`,
    expected: "denied",
    act: () => guarded("take", { kind, most: tries }),
    // Either it is told that there is no more, or the host ends it.
    right: (outcome) =>
      (number(outcome) > 2 && number(outcome) <= most) || outcome.error?.details?.["limit"] === "memory",
    escaped: (outcome) => number(outcome) > most,
    control: async () => (await free("take", { kind, most: tries })).value === tries,
  });
}

const memoryBomb: Attack = {
  case: 32,
  name: "memory_bomb_private",
  expected: "denied",
  owner: "sandbox",
  where: "each backend",
  run: async (place) => {
    const { guarded, free } = use(place, { policy: { limits: { memory_mb: 96 } } });
    return [
      await take(place, "bytes", 96, 9, 20),
      await take(place, "private", 96, 9, 20),
      await take(place, "text", 96, 9, 20),
      await tryOne({
        name: "no handler",
        expected: "denied",
        act: () => guarded("bomb"),
        right: ({ error }) =>
          error !== undefined &&
          (error.message.includes("MemoryError") || error.details?.["limit"] === "memory"),
        control: () => succeeds(() => free("take", { kind: "bytes", most: 20 })),
      }),
    ];
  },
};

const sharedMemory: Attack = {
  case: 33,
  name: "memory_bomb_shared_mmap",
  expected: "denied",
  owner: "sandbox",
  where: "each backend",
  run: async (place) => [await take(place, "shared", 64, 25, 32)],
};

const numpyThreads: Attack = {
  case: 34,
  name: "memory_in_numpy_threads",
  expected: "held",
  owner: "environment",
  where: "host",
  slow: true,
  obstacle: withoutUv,
  run: async (place) => {
    const skills = await place.skills({ cacheDir: sharedCache(), allowUvInstall: true });
    await skills.library.install(fileURLToPath(new URL("../fixtures/skills/numpy_stats", import.meta.url)));
    await skills.library.activate("numpy_stats");
    const input = { numbers: [1, 2, 3, 4] };
    return [
      await tryOne({
        name: "import numpy at the default limits",
        expected: "held",
        act: () => skills.run("numpy_stats", input),
        right: ({ value }) => (value?.value as { mean: number } | undefined)?.mean === 2.5,
        // What must work needs no control.
        control: "not possible",
      }),
    ];
  },
};

const processorTime: Attack = {
  case: 35,
  name: "cpu_spin",
  expected: "killed",
  owner: "sandbox",
  where: "each backend",
  slow: true,
  run: async (place) => {
    const { guarded, free } = use(place, { policy: { limits: { cpu_seconds: 1 } } });
    return [
      await tryOne({
        name: "the soft limit",
        expected: "killed",
        act: () => guarded("spin", { seconds: 20 }),
        right: (outcome) => exitCode(outcome) === 152,
        control: () => succeeds(() => free("spin", { seconds: 1.2 })),
      }),
    ];
  },
};

const ignoredSignal: Attack = {
  case: 36,
  name: "cpu_spin_sigxcpu_ignored",
  expected: "killed",
  owner: "sandbox",
  where: "each backend",
  slow: true,
  run: async (place) => {
    const { guarded, free } = use(place, { policy: { limits: { cpu_seconds: 1 } } });
    return [
      await tryOne({
        name: "the hard limit",
        expected: "killed",
        act: () => guarded("spin", { seconds: 20, ignore: true }),
        right: (outcome) => exitCode(outcome) === 137,
        control: () => succeeds(() => free("spin", { seconds: 2.2, ignore: true })),
      }),
    ];
  },
};

/** More of a processor than one that is held at 30 % gets, even when a late look at it is not yet made up for. */
const TOO_MUCH = 0.4;

const processorShare: Attack = {
  case: 37,
  name: "cpu_percent_30",
  expected: "held",
  owner: "sandbox",
  where: "each backend",
  slow: true,
  run: async (place) => {
    const { guarded, free } = use(place, { policy: { limits: { cpu_percent: 30 } } });
    const most = Math.max(...await shares(free));
    return [
      await tryOne({
        name: "eight seconds",
        expected: "held",
        act: () => guarded("share", { seconds: 8 }),
        right: (outcome) => number(outcome) <= TOO_MUCH,
        escaped: (outcome) => number(outcome) > TOO_MUCH,
        // A machine that gives nobody more shows nothing.
        control: most > TOO_MUCH ? () => true : "not possible",
      }),
    ];
  },
};

/** What a program gets that nobody holds back, looked at until it is enough. */
async function shares(free: (tool: string, input: Json) => Promise<CallResult>): Promise<readonly number[]> {
  const seen: number[] = [];
  while (seen.length < 4 && !(Math.max(...seen) > TOO_MUCH)) {
    seen.push(Number((await free("share", { seconds: 1 })).value));
  }
  return seen;
}

const sleepForever: Attack = {
  case: 38,
  name: "sleep_forever",
  expected: "killed",
  owner: "runner",
  where: "each backend",
  slow: true,
  run: async (place) => {
    const program = place.program(fixture("resources.py"), { mode: "daemon", call_timeout_ms: 600 });
    const runner = place.runner();
    const patient = { ...program, call_timeout_ms: 30_000, key: "patient" };
    const late: number[] = [];
    return [
      await tryOne({
        name: "the deadline of a call",
        expected: "killed",
        act: async () => {
          // A busy machine may be late, a guard that is late always is none.
          for (let turn = 0; turn < 4; turn++) {
            const began = performance.now();
            const { error } = await outcomeOf(() => call(runner, program, "sleep", { seconds: 600 }));
            if (error?.code !== "timeout") throw error ?? new Error("it slept to its end");
            late.push(performance.now() - began - 600);
            if (Math.abs(late.at(-1) ?? Infinity) <= 300) return late;
            await outcomeOf(() => runner.start(program));
          }
          return late;
        },
        right: () => Math.min(...late.map(Math.abs)) <= 300,
        control: async () => (await call(runner, patient, "sleep", { seconds: 0.8 })).value === "awake",
      }),
    ];
  },
};

const forgedLimit: Attack = {
  case: 39,
  name: "forged_limit",
  expected: "held",
  owner: "runner",
  where: "each backend",
  slow: true,
  run: async (place) => {
    const { guarded } = use(place);
    const real = async () => {
      const { error } = await outcomeOf(() => guarded("fill"));
      return error !== undefined && (error.code === "limit_exceeded" || /No space left/.test(error.message));
    };
    const ways: readonly (readonly [string, string, Json])[] = [
      ["exit code 137", "leave", { code: 137 }],
      ["exit code 152", "leave", { code: 152 }],
      ["a signal of its own", "signal_self", { number: 24 }],
      ["the text of an error", "pretend", { text: "limit_exceeded: memory" }],
    ];
    const attempts = [];
    for (const [name, tool, input] of ways) {
      attempts.push(
        await tryOne({
          name,
          expected: "held",
          act: () => guarded(tool, input),
          // The first process of a namespace takes no such signal from itself.
          right: async ({ value, error }) =>
            (value?.value === null || error?.code === "process_died" || error?.code === "tool_failed") &&
            (await guarded("sleep", { seconds: 0 })).value === "awake",
          escaped: ({ error }) => error?.code === "limit_exceeded" && error.details?.["claimed"] !== true,
          control: real,
        }),
      );
    }
    return attempts;
  },
};

const descriptorBomb: Attack = {
  case: 40,
  name: "fd_bomb",
  expected: "denied",
  owner: "sandbox",
  where: "each backend",
  run: async (place) => {
    const { guarded, free } = use(place, { policy: { limits: { open_files: 48 } } });
    return [
      await tryOne({
        name: "descriptors",
        expected: "denied",
        act: () => guarded("descriptors", { most: 200 }),
        right: (outcome) => number(outcome) > 10 && number(outcome) < 48,
        escaped: (outcome) => number(outcome) >= 48,
        control: async () => (await free("descriptors", { most: 200 })).value === 200,
      }),
    ];
  },
};

const crash: Attack = {
  case: 41,
  name: "segfault",
  expected: "held",
  owner: "sandbox",
  where: "each backend",
  run: async (place) => {
    const { guarded, free } = use(place);
    return [
      await tryOne({
        name: "a crash",
        expected: "held",
        act: () => guarded("crash"),
        right: async (outcome) =>
          outcome.error?.code === "process_died" && exitCode(outcome) === 139 &&
          (await guarded("core_limit")).value === 0,
        escaped: () => pathsBelow(place.dir).some((path) => /\/core[.\d]*$/.test(path)),
        control: Number((await free("core_limit")).value) === 0 ? "not possible" : () => true,
      }),
    ];
  },
};

/** How a program may end that is too deep for the interpreter, its memory or its time. */
const ENDS: ReadonlySet<SkillErrorCode> = new Set<SkillErrorCode>([
  "process_died",
  "tool_failed",
  "invalid_output",
  "limit_exceeded",
  "timeout",
]);

const deepRecursion: Attack = {
  case: 42,
  name: "deep_recursion",
  expected: "held",
  owner: "runner",
  where: "each backend",
  slow: true,
  run: async (place) => {
    const { guarded } = use(place);
    const attempts = [];
    for (
      const [tool, deep] of [["recurse", 10_000_000], ["nest", 1_000_000], ["compare", 1_000_000]] as const
    ) {
      attempts.push(
        await tryOne({
          name: tool,
          expected: "held",
          act: () => guarded(tool, { depth: deep }),
          right: async ({ error }) =>
            error !== undefined && ENDS.has(error.code) &&
            (await guarded("recurse", { depth: 10 })).value === 10,
          control: () => succeeds(() => guarded(tool, { depth: 40 })),
        }),
      );
    }
    return attempts;
  },
};

/** What a program may take of the machine. */
export const resources: readonly Attack[] = [
  memoryBomb,
  sharedMemory,
  numpyThreads,
  processorTime,
  ignoredSignal,
  processorShare,
  sleepForever,
  forgedLimit,
  descriptorBomb,
  crash,
  deepRecursion,
];
