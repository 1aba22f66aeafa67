import { chmodSync, closeSync, existsSync, openSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import type { SkillError, SkillErrorCode } from "../../src/base/errors.ts";
import { ResilientCalls } from "../../src/runner/resilience/resilient-calls.ts";
import { waitBefore } from "../../src/runner/resilience/retry.ts";
import type { CallRequest, Runner, SkillProgram } from "../../src/runner/types.ts";
import { createSandbox } from "../../src/sandbox/create-sandbox.ts";
import { findExecutable } from "../../src/sandbox/files/find-executable.ts";
import type { SandboxReport } from "../../src/sandbox/types.ts";
import { romanSkill } from "../lifecycle/support/open-home.ts";
import { FakeClock } from "../runner/resilience/fake-clock.ts";
import { survivors } from "../sandbox/support.ts";
import { pathsBelow } from "./paths-below.ts";
import type { Attack, AttackPlace, Attempt, ProgramOverrides } from "./attack.ts";
import { call, endsWith, eventually, fixture, outcomeOf, succeeds, tryOne } from "./trial.ts";
import { writePackage } from "./write-package.ts";

function program(place: AttackPlace, overrides: ProgramOverrides = {}): SkillProgram {
  return place.program(fixture("resilience.py"), overrides);
}

/** Whether nothing is left that was started for a place. */
async function nobodyLeft(place: AttackPlace): Promise<boolean> {
  return await eventually(() => survivors(place.dir).length === 0);
}

const queue: Attack = {
  case: 89,
  name: "queue_full_and_aborts",
  expected: "held",
  owner: "runner",
  where: "host",
  slow: true,
  run: async (place) => {
    const runner = place.runner(place.sandbox, { maxConcurrent: 1, maxQueue: 2 });
    const own = program(place, { mode: "daemon" });
    const run = (seconds: number, request: Partial<CallRequest> = {}) =>
      call(runner, own, "wait", { seconds }, request);
    const works = () => succeeds(() => run(0));
    const behind = async (others: number, act: () => Promise<unknown>) => {
      const busy = Array.from(
        { length: 1 + others },
        (_, index) => outcomeOf(() => run(index === 0 ? 0.6 : 0)),
      );
      const outcome = await outcomeOf(act);
      const rest = await Promise.all(busy);
      if (rest.some(({ error }) => error !== undefined)) throw new Error("a call before it suffered");
      if (outcome.error !== undefined) throw outcome.error;
      return outcome.value;
    };
    const attempt = async (name: string, code: SkillErrorCode, act: () => Promise<unknown>) =>
      await tryOne({
        name,
        expected: "held",
        act,
        // What comes later still runs.
        right: async (outcome) => endsWith(code)(outcome) && await works() && await works(),
        control: works,
      });
    return [
      await attempt("queue_full", "queue_full", () => behind(2, () => run(0))),
      await attempt("abort_while_queued", "cancelled", () =>
        behind(1, () => {
          const abort = new AbortController();
          const waiting = run(0, { signal: abort.signal });
          abort.abort();
          return waiting;
        })),
      await attempt(
        "deadline includes queue time",
        "timeout",
        () => behind(0, () => run(0, { timeout_ms: 200 })),
      ),
      await tryOne({
        name: "abort_while_running",
        expected: "held",
        act: () => run(60, { signal: AbortSignal.timeout(400) }),
        right: async (outcome) => {
          const cancelled = endsWith("cancelled")(outcome);
          const again = await works();
          await runner.close();
          return cancelled && again && await nobodyLeft(place);
        },
        control: works,
      }),
    ];
  },
};

/** Calls of a skill by way of what retries them, on a real runner, and how often that was asked. */
function resilient(
  place: AttackPlace,
  clock: FakeClock,
  retryOn: readonly ("timeout" | "process_died")[] = [],
) {
  const runner = place.runner();
  const own = program(place);
  const asked: string[] = [];
  const calls = new ResilientCalls({
    runner: {
      call: (given, request) => {
        asked.push(request.tool);
        return runner.call(given, request);
      },
      command: (...given) => runner.command(...given),
    },
    id: own.id,
    resilience: {
      retry: { maxAttempts: 4, backoff: "exponential", retryOn },
      breaker: { failureThreshold: 3, recoveryMs: 60_000 },
    },
    tryMs: () => 20_000,
    isIdempotent: (tool) => tool !== "fail",
    clock,
  });
  const run = (tool: string, input: object = {}) => calls.call(own, { tool, input: input as {} });
  return { run, asked };
}

const breaker: Attack = {
  case: 90,
  name: "breaker",
  expected: "held",
  owner: "runner",
  where: "host",
  run: async (place) => {
    const clock = new FakeClock();
    const [one, other] = [resilient(place, clock), resilient(place, clock)];
    const open = async () => {
      for (let turn = 0; turn < 3; turn++) await outcomeOf(() => one.run("die"));
    };
    const healthy = () => succeeds(() => other.run("well"));
    const attempt = async (
      name: string,
      act: () => Promise<unknown>,
      right: () => boolean | Promise<boolean>,
    ) =>
      await tryOne({
        name,
        expected: "held",
        act,
        right: async ({ error }) => error === undefined && await right(),
        control: healthy,
      });
    const refused = async () => endsWith("circuit_open")(await outcomeOf(() => one.run("well")));
    return [
      await attempt("opens after three", open, async () => {
        const before = one.asked.length;
        return await refused() && one.asked.length === before;
      }),
      await attempt("of one skill is none of another", () => other.run("well"), refused),
      await attempt("the computer's clock is set", () => Promise.resolve(), async () => {
        const real = Date.now;
        Date.now = () => real() + 86_400_000;
        try {
          return await refused();
        } finally {
          Date.now = real;
        }
      }),
      await attempt("half open lets one of many through", async () => {
        clock.time += 60_000;
        one.asked.length = 0;
        const all = await Promise.all(Array.from({ length: 8 }, () => outcomeOf(() => one.run("well"))));
        if (all.filter(({ error }) => error === undefined).length !== 1) {
          throw new Error("not one call went well");
        }
      }, () => one.asked.length === 1),
      await attempt("success resets it", () => one.run("well"), async () => {
        for (let turn = 0; turn < 2; turn++) await outcomeOf(() => one.run("die"));
        return !await refused();
      }),
    ];
  },
};

const retry: Attack = {
  case: 91,
  name: "retry",
  expected: "held",
  owner: "runner",
  where: "host",
  run: async (place) => {
    const attempt = async (
      name: string,
      tool: string,
      code: SkillErrorCode,
      tries: number,
      retryOn: readonly ("timeout" | "process_died")[],
    ) => {
      const clock = new FakeClock(), own = resilient(place, clock, retryOn);
      return await tryOne({
        name,
        expected: "held",
        act: () => own.run(tool),
        right: (outcome) => endsWith(code)(outcome) && own.asked.length === tries && clock.time <= 20_000,
        control: async () => {
          const other = resilient(place, new FakeClock(), ["process_died"]);
          await outcomeOf(() => other.run("die"));
          return other.asked.length === 3; // then its breaker is open
        },
      });
    };
    const waits = [1, 2, 3, 9].flatMap((turn) =>
      [0, 0.5, 0.999].map((random) => [turn, waitBefore(turn, "exponential", random)])
    );
    const inBounds = waits.every(([turn = 0, wait = 0]) =>
      wait >= 0 && wait < Math.min(10_000, 200 * 2 ** (turn - 1))
    );
    return [
      await attempt("of the skill's own error", "fail", "tool_failed", 1, ["timeout", "process_died"]),
      await attempt("of a limit", "fill", "limit_exceeded", 1, ["timeout", "process_died"]),
      await attempt("of a tool that is not there", "none", "tool_not_found", 1, ["timeout", "process_died"]),
      await attempt("of what is not listed", "die", "process_died", 1, []),
      { name: "jitter stays in its bounds", answer: inBounds ? "held" : "failed", control: "not possible" },
    ];
  },
};

const health: Attack = {
  case: 92,
  name: "health_check_hang",
  expected: "held",
  owner: "runner",
  where: "host",
  run: async (place) => {
    const limits = {
      maxConcurrent: 1,
      healthCheckMs: 20,
      healthTimeoutMs: 400,
      stopGraceMs: 100,
      maxRestarts: 0,
    };
    const runner = place.runner(place.sandbox, limits);
    const speaker = fixture("health.py");
    const well = program(place, { mode: "daemon" });
    const start = (how: string) =>
      runner.start(
        place.program(speaker, { serve: "stdio", tools: [], mode: "daemon", env: { HEALTH: how } }),
      );
    const alive = (pid: number) => runner.list().some((one) => one.pid === pid);
    const attempts: Attempt[] = [];
    for (const how of ["hang", "flood"]) {
      attempts.push(
        await tryOne({
          name: how,
          expected: "held",
          act: () => start(how),
          right: async ({ value }) => {
            if (value === undefined) return false;
            const served = await succeeds(() => call(runner, well, "well"));
            return served && await eventually(() => !alive(value.pid));
          },
          control: async () => {
            const { pid } = await start("ok");
            await succeeds(() => call(runner, well, "wait", { seconds: 0.2 }));
            return alive(pid);
          },
        }),
      );
    }
    return attempts;
  },
};

const EXECUTES = '#!/bin/sh\nwhile [ "$1" != "--" ]; do shift; done\nshift\nexec "$@"\n';

/** Asks a sandbox for a plan without grants. */
async function planWith(place: AttackPlace, bwrapPath: string | undefined): Promise<SandboxReport> {
  const sandbox = createSandbox({
    backend: "bubblewrap",
    ...(bwrapPath === undefined ? {} : { bwrapPath }),
  });
  await place.runner(sandbox).plan(program(place));
  return await sandbox.probe();
}

async function refusesBubblewrap(
  place: AttackPlace,
  name: string,
  bwrapPath: string | undefined,
  fix: RegExp = /./,
): Promise<Attempt> {
  return await tryOne({
    name,
    expected: "refused",
    act: () => planWith(place, bwrapPath),
    right: ({ error }) => error?.code === "sandbox_unavailable" && fix.test(error.fix ?? ""),
    escaped: ({ value }) => value !== undefined,
    control: place.backend === "bubblewrap"
      ? () => succeeds(() => planWith(place, undefined))
      : "not possible",
  });
}

const bubblewraps: Attack = {
  case: 93,
  name: "bwrap_missing_broken_replaced",
  expected: "refused",
  owner: "sandbox",
  where: "host",
  run: async (place) => {
    const broken = place.file(
      "broken/bwrap",
      "#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2\nexit 1\n",
      0o755,
    );
    const planted = place.file("planted/bwrap", EXECUTES, 0o755);
    const open = place.file("open/bwrap", EXECUTES);
    chmodSync(open, 0o777);
    const found = async (path: string) => await findExecutable("bwrap", path);
    const before = process.cwd();
    process.chdir(dirname(planted));
    const fromHere = await found(`.:${dirname(planted)}`);
    process.chdir(before);
    const outside = await found(dirname(planted));
    const relative = await outcomeOf(() =>
      Promise.resolve().then(() => createSandbox({ bwrapPath: "bin/bwrap" }))
    )
      .then(() => "accepted", () => "refused");
    return [
      await refusesBubblewrap(place, "missing", join(place.dir, "nowhere/bwrap"), /install bubblewrap/),
      await refusesBubblewrap(place, "broken", broken, /AppArmor/),
      await refusesBubblewrap(place, "replaced by a script", planted),
      await refusesBubblewrap(place, "does nothing", "/usr/bin/true"),
      {
        name: "in the working directory",
        answer: fromHere === planted ? "escaped" : "refused",
        control: outside === planted,
      },
      {
        name: "that everybody may replace",
        answer: await found(dirname(open)) === open ? "escaped" : "refused",
        control: outside === planted,
      },
      {
        name: "by a relative path",
        answer: relative === "refused" ? "refused" : "escaped",
        control: "not possible",
      },
    ];
  },
};

const lyingCanary: Attack = {
  case: 94,
  name: "canary_lies",
  expected: "refused",
  owner: "sandbox",
  where: "host",
  run: async (place) => {
    const executes = place.file("executes", EXECUTES, 0o755);
    const attempts = [await refusesBubblewrap(place, "executes its command", executes)];
    if (place.backend !== "bubblewrap") return attempts;
    const real = await findExecutable("bwrap");
    for (const left of ["--unshare-all", "--die-with-parent", "--seccomp"]) {
      const shifts = left === "--seccomp" ? 2 : 1;
      const liar = place.file(
        `liar${left}`,
        `#!/bin/bash\nargs=()\nwhile [ $# -gt 0 ]; do\n  if [ "$1" = "${left}" ]; then shift ${shifts}; continue; fi\n` +
          `  args+=("$1"); shift\ndone\nexec ${real} "\${args[@]}"\n`,
        0o755,
      );
      attempts.push(await refusesBubblewrap(place, `leaves out ${left}`, liar));
    }
    return attempts;
  },
};

const tripwire: Attack = {
  case: 95,
  name: "unsandboxed_spawn_tripwire",
  expected: "held",
  owner: "sandbox",
  where: "each backend",
  backends: ["bubblewrap"],
  why: "Landlock begins when the interpreter runs",
  run: async (place) => {
    // Deno may read /proc only when it may start everything, so the interpreter itself tells where it was started.
    const marker = join(place.dir, "unsandboxed");
    const text = `#!/bin/sh\necho 2>/dev/null >${marker}\nexec ${place.python.path} "$@"\n`;
    const interpreter = place.file("trap/bin/python3", text, 0o755);
    const roots = [...place.python.roots, join(place.dir, "trap")];
    const sandbox = createSandbox({
      backend: "bubblewrap",
      python: () => Promise.resolve({ ...place.python, path: interpreter, roots }),
    });
    const trapped = { interpreter, roots };
    const calls = async (runner: Runner) => {
      await call(runner, program(place, trapped), "well");
      await runner.outline(trapped, "def f(): ...");
      return (await call(runner, program(place, { ...trapped, mode: "daemon" }), "well")).value;
    };
    return [
      await tryOne({
        name: "canary, calls, a spare, reading a script",
        expected: "held",
        act: () => calls(place.runner(sandbox, { spares: 1 })),
        right: ({ value }) => value === "fine",
        escaped: () => existsSync(marker),
        control: async () => {
          await calls(place.runner(place.unguarded));
          const sprung = existsSync(marker);
          rmSync(marker, { force: true });
          return sprung;
        },
      }),
    ];
  },
};

/** Children of this process that ended and were not waited for. */
function zombies(): number {
  return readdirSync("/proc").filter((pid) => /^\d+$/.test(pid)).filter((pid) => {
    try {
      const [state, parent] = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
      return state === "Z" && parent === String(process.pid);
    } catch {
      return false;
    }
  }).length;
}

const leaks: Attack = {
  case: 96,
  name: "fd_zombie_tmp_leak_1000_calls",
  expected: "held",
  owner: "runner",
  where: "host",
  slow: true,
  run: async (place) => {
    const runner = place.runner(place.sandbox, { spares: 0, backoffMs: [0], maxRestarts: 1000 });
    const daemon = program(place, { mode: "daemon", key: "daemon" }),
      single = program(place, { key: "single" });
    const online = program(place, {
      key: "online",
      policy: place.backend === "bubblewrap" ? { network: ["example.org"] } : {},
    });
    const round = async (warm: number, cold: number) => {
      for (let turn = 0; turn < warm; turn++) await call(runner, daemon, "well");
      for (let turn = 0; turn < cold; turn++) {
        await call(runner, single, "well");
        await call(runner, online, "well");
        await outcomeOf(() => call(runner, single, "die"));
      }
    };
    const open = () => readdirSync("/proc/self/fd").length;
    const files = () => pathsBelow(place.dir).length;
    await round(10, 3);
    await eventually(() => runner.list().length === 1);
    const before = { fds: open(), files: files() };
    return [
      await tryOne({
        name: "descriptors, zombies, files",
        expected: "held",
        act: () => round(1000, 20),
        right: async () =>
          await eventually(() => open() <= before.fds && files() <= before.files && zombies() === 0),
        control: () => {
          const file = openSync("/dev/null", "r");
          const grown = open() > before.fds;
          closeSync(file);
          return grown;
        },
      }),
    ];
  },
};

const FORGED = "2026-01-01T00:00:00.000Z roman 9.9.9 serves from slot B";

const logInjection: Attack = {
  case: 97,
  name: "log_injection",
  expected: "held",
  owner: "lifecycle",
  where: "host",
  run: async (place) => {
    const lines = ["newlines", "ansi", "carriage returns", "json"] as const;
    const text = {
      newlines: `no\\n${FORGED}`,
      ansi: "no\\x1b[2J\\x1b[31mred\\x9b1m\\u202e",
      "carriage returns": `no\\r${FORGED}`,
      json: `no\\n{\\"level\\": \\"info\\", \\"message\\": \\"${FORGED}\\"}`,
    };
    const attempts: Attempt[] = [];
    for (const how of lines) {
      const said: string[] = [];
      const skills = await place.skills({ log: (_level, message) => said.push(message) });
      const tests = `def test_it():\n    print("${text[how]}")\n    raise ValueError("${text[how]}")\n`;
      const source = writePackage(place, { ...romanSkill(), "tests/test_it.py": tests });
      attempts.push(
        await tryOne({
          name: how,
          expected: "held",
          act: async () => {
            await skills.library.install(source, { test: true });
            return logsOf(skills.library.dir);
          },
          right: ({ value = [] }) => {
            const all = [...value, ...said.flatMap((message) => message.split("\n"))];
            return value.length > 0 && all.every((line) => !/(?!\t)[\p{Cc}\p{Cf}]/u.test(line)) &&
              value.every((line) => /^\d{4}-\d\d-\d\dT[\d:.]{12}Z /.test(line)) &&
              !all.some((line) => line.startsWith(FORGED.slice(0, 24)) && line.includes("9.9.9"));
          },
          control: "not possible",
        }),
      );
    }
    return attempts;
  },
};

/** All lines of the logs of a home. */
function logsOf(dir: string): string[] {
  const entries = readdirSync(dir, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile() && entry.name.endsWith(".log")).flatMap((
    { parentPath, name },
  ) => readFileSync(join(parentPath, name), "utf8").trimEnd().split("\n"));
}

const disposal: Attack = {
  case: 98,
  name: "dispose_during_calls",
  expected: "held",
  owner: "runner",
  where: "host",
  run: async (place) => {
    const attempt = async (name: string, close: (runner: Runner) => Promise<unknown>) => {
      const runner = place.runner(place.sandbox, { maxConcurrent: 2 });
      const own = program(place, { mode: "daemon" });
      const run = (seconds: number) => outcomeOf(() => call(runner, own, "wait", { seconds }));
      return await tryOne({
        name,
        expected: "held",
        act: async () => {
          const calls = [run(60), run(60), run(60)];
          await eventually(() => runner.list().filter(({ busy }) => busy).length === 2);
          await close(runner);
          return (await Promise.all(calls)).map(({ error }) => error?.code);
        },
        right: async ({ value }) => {
          const after = await outcomeOf(() => call(runner, own, "well"));
          const started = await outcomeOf(() => runner.start(own));
          return value?.join() === "closed,closed,closed" && endsWith("closed")(after) &&
            endsWith("closed")(started) &&
            runner.list().length === 0 && await nobodyLeft(place);
        },
        control: async () => {
          const other = place.runner();
          const works = await succeeds(() => call(other, own, "wait", { seconds: 0 }));
          await other.close();
          return works;
        },
      });
    };
    return [
      await attempt("during calls", (runner) => runner.close()),
      await attempt("twice at once", (runner) => Promise.all([runner.close(), runner.close()])),
      await attempt("twice", (runner) => runner.close().then(() => runner.close())),
      await ofHome(place),
    ];
  },
};

/** A home that is closed while it is used, twice, and used afterwards. */
async function ofHome(place: AttackPlace): Promise<Attempt> {
  const skills = await place.skills();
  const slow = romanSkill();
  slow["skill.py"] += "\n\ndef wait() -> str:\n    import time\n\n    time.sleep(60)\n    return 'done'\n";
  slow["manifest.toml"] += '\n[[tools]]\nname = "wait"\n';
  await skills.library.install(writePackage(place, slow));
  await skills.library.activate("roman");
  const control = await succeeds(() => skills.run("roman", { number: 4 }));
  const codes = (errors: readonly (SkillError | undefined)[]) => errors.map((error) => error?.code ?? "none");
  return await tryOne({
    name: "a home",
    expected: "held",
    act: async () => {
      const running = outcomeOf(() => skills.run("roman", {}, { tool: "wait" }));
      await new Promise((resolve) => setTimeout(resolve, 300));
      await Promise.all([skills.close(), skills.close()]);
      const uses = [
        () => skills.run("roman", { number: 4 }),
        () => skills.list(),
        () => skills.search("roman"),
        () => skills.library.install(writePackage(place, romanSkill("2.0.0"))),
        () => skills.library.disable("roman"),
      ];
      const after = [];
      for (const use of uses) after.push(await outcomeOf<unknown>(use));
      return codes([await running, ...after].map(({ error }) => error));
    },
    right: async ({ value }) => value?.every((code) => code === "closed") === true && await nobodyLeft(place),
    control: () => control,
  });
}

/** What must hold when things go wrong, and when it ends. */
export const resilience: readonly Attack[] = [
  queue,
  breaker,
  retry,
  health,
  bubblewraps,
  lyingCanary,
  tripwire,
  leaks,
  logInjection,
  disposal,
];
