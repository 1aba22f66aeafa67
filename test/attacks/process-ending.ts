import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import nodeProcess from "node:process";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import type { Attack, AttackPlace, Attempt } from "./attack.ts";
import { callOnce, fixture, outcome } from "./battery.ts";
import { endAll, eventually, newTag, processesNamed } from "./survivors.ts";
import { runtimeArguments, TYPESCRIPT_FLAGS } from "../sandbox/support.ts";

const CODE = fixture("attacker", "process");
const HOLDS = fileURLToPath(new URL("hosts/hold-a-call.ts", import.meta.url));
const WORKER = new URL("../sandbox/fixtures/worker.ts", import.meta.url);
const MOST = 100;

/** What children are refused for: nothing would bound them here, or end them. */
async function refusesChildren(place: AttackPlace): Promise<boolean> {
  const { enforced } = await place.sandbox.probe();
  return !enforced.includes("process_spawn_allow");
}

async function whereChildrenAreRefused(place: AttackPlace): Promise<"refused" | undefined> {
  return await refusesChildren(place) ? "refused" : undefined;
}

/** Where children cannot be bounded, a program that asks for them is not even started. */
async function refusedChildren(place: AttackPlace, name: string): Promise<readonly Attempt[]> {
  const program = (spawn: boolean) => place.program("def ping():\n    return 1\n", { policy: { spawn } });
  const { error } = await callOnce(place, place.sandbox, program(true), "ping", {});
  const { result } = await callOnce(place, place.sandbox, program(false), "ping", {});
  return [{
    name,
    answer: error?.code === "sandbox_unavailable" ? "refused" : error === undefined ? "escaped" : "failed",
    control: result !== undefined,
  }];
}

async function forkBomb(place: AttackPlace): Promise<readonly Attempt[]> {
  const free = await callOnce(place, place.unguarded, place.program(CODE), "fork_bomb", {
    most: MOST,
    seconds: 1,
  });
  if (await refusesChildren(place)) return await refusedChildren(place, "fork_bomb");
  const tag = newTag();
  const marks = place.fresh();
  const program = place.program(CODE, { policy: { spawn: true, write: [marks] }, call_timeout_ms: 2000 });
  const { error } = await callOnce(place, place.sandbox, program, "fork_bomb_and_stay", {
    most: MOST,
    seconds: 60,
    tag,
    marks,
  });
  const made = existsSync(join(marks, "count")) ? Number(readFileSync(join(marks, "count"), "utf8")) : MOST;
  const gone = await eventually(() => processesNamed(tag).length === 0);
  endAll(tag);
  const killed = error?.code === "timeout" || error?.code === "limit_exceeded";
  const bounded = made < program.policy.limits.processes;
  return [{
    name: "fork_bomb",
    answer: !gone || !bounded ? "escaped" : killed ? "killed" : "failed",
    control: free.result?.value === MOST,
    ...(gone && bounded && killed ? {} : { note: `${made} children, all gone: ${gone}, ${error?.message}` }),
  }];
}

async function daemon(place: AttackPlace): Promise<readonly Attempt[]> {
  if (await refusesChildren(place)) return await refusedChildren(place, "double_fork_daemon");
  const daemonize = async (sandbox: AttackPlace["sandbox"], spawn: boolean) => {
    const tag = newTag();
    const program = place.program(CODE, { policy: { spawn }, call_timeout_ms: 10_000 });
    const { result } = await callOnce(place, sandbox, program, "daemonize", { seconds: 60, tag });
    const gone = sandbox === place.sandbox
      ? await eventually(() => processesNamed(tag).length === 0)
      : processesNamed(tag).length === 0;
    endAll(tag);
    return { answered: result?.value === "answered", gone };
  };
  const guarded = await daemonize(place.sandbox, true);
  const free = await daemonize(place.unguarded, false);
  return [{
    name: "double_fork_daemon",
    answer: !guarded.gone ? "escaped" : guarded.answered ? "held" : "failed",
    control: !free.gone,
  }];
}

async function ignoresSignals(place: AttackPlace): Promise<readonly Attempt[]> {
  const tag = newTag();
  const runner = place.runner();
  const program = place.program(CODE, { call_timeout_ms: 1000 });
  const call = outcome(runner.call(program, { tool: "ignore_signals", input: { path: "", tag } }));
  const seen = await eventually(() => processesNamed(tag).length > 0);
  const { error } = await call;
  const gone = await eventually(() => processesNamed(tag).length === 0);
  endAll(tag);
  return [{
    name: "ignore_signals",
    answer: !gone ? "escaped" : seen && error?.code === "timeout" ? "killed" : "failed",
    control: await survivesSignals(place),
    ...(error?.code === "timeout" ? {} : { note: error?.message ?? "it answered" }),
  }];
}

/** The same program, asked politely to end. */
async function survivesSignals(place: AttackPlace): Promise<boolean> {
  const ready = join(place.fresh(), "ready");
  const code = `${CODE}\nignore_signals(${JSON.stringify(ready)}, "python")`;
  const child = spawn(place.python.path, ["-I", "-S", "-c", code], { stdio: "ignore", env: {} });
  try {
    if (!await eventually(() => existsSync(ready))) return false;
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) child.kill(signal);
    return !await new Promise<boolean>((resolve) => {
      child.once("exit", () => resolve(true));
      setTimeout(() => resolve(false), 300);
    });
  } finally {
    child.kill("SIGKILL");
  }
}

/** A host of its own that is killed while a call runs. */
async function killedHost(place: AttackPlace): Promise<readonly Attempt[]> {
  const attempt = async (backend: string) => {
    const tag = newTag();
    const host = spawn(nodeProcess.execPath, [...runtimeArguments(HOLDS), backend, tag, place.dir], {
      stdio: ["ignore", "ignore", "inherit"],
    });
    try {
      if (!await eventually(() => processesNamed(tag).length > 0)) return { seen: false, gone: false };
      await killed(host);
      const gone = backend === "none"
        ? processesNamed(tag).length === 0
        : await eventually(() => processesNamed(tag).length === 0);
      return { seen: true, gone };
    } finally {
      await killed(host);
      endAll(tag);
    }
  };
  const guarded = await attempt(place.backend);
  const free = await attempt("none");
  return [{
    name: "host_sigkill_during_call",
    answer: !guarded.seen ? "failed" : guarded.gone ? "held" : "escaped",
    control: free.seen && !free.gone,
    ...(guarded.seen ? {} : { note: "the call never began" }),
  }];
}

async function killed(host: ChildProcess): Promise<void> {
  if (host.exitCode !== null || host.signalCode !== null) return;
  const exited = new Promise((resolve) => host.once("exit", resolve));
  host.kill("SIGKILL");
  await exited;
}

/** The life of a sandbox is tied to the thread that starts it. */
async function inWorker(place: AttackPlace): Promise<readonly Attempt[]> {
  const answer = new SharedArrayBuffer(256);
  const worker = new Worker(WORKER, { workerData: answer, execArgv: [...TYPESCRIPT_FLAGS] });
  await new Promise((resolve, reject) => {
    worker.once("exit", resolve);
    worker.once("error", reject);
  });
  const [length = 0, ...bytes] = new Uint8Array(answer);
  const message = new TextDecoder().decode(new Uint8Array(bytes.slice(0, length)));
  const here = await callOnce(place, place.sandbox, place.program("def ping():\n    return 1\n"), "ping", {});
  return [{
    name: "spawn_in_worker",
    answer: message === "started" ? "escaped" : message.includes("worker thread") ? "refused" : "failed",
    control: here.result?.value === 1,
    ...(message.includes("worker thread") ? {} : { note: message }),
  }];
}

/** Outliving the call, or the host. */
export const processEnding: readonly Attack[] = [
  {
    case: 22,
    name: "fork_bomb_spawn_allowed",
    expected: "killed",
    instead: whereChildrenAreRefused,
    owner: "sandbox",
    where: "each backend",
    run: forkBomb,
  },
  {
    case: 23,
    name: "double_fork_daemon_holds_stdout",
    expected: "held",
    instead: whereChildrenAreRefused,
    owner: "sandbox",
    where: "each backend",
    run: daemon,
  },
  {
    case: 24,
    name: "ignores_sigterm_sigint_sighup",
    expected: "killed",
    owner: "runner",
    where: "each backend",
    slow: true,
    run: ignoresSignals,
  },
  {
    case: 25,
    name: "host_sigkill_during_call",
    expected: "held",
    owner: "sandbox",
    where: "each backend",
    run: killedHost,
  },
  {
    case: 26,
    name: "host_sigkill_in_worker_thread_setup",
    expected: "refused",
    owner: "sandbox",
    where: "host",
    run: inWorker,
  },
];
