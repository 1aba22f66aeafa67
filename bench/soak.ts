/**
 * The runner for long: warm calls, one-shot calls, hosts that are killed. What must stay flat is counted: open files,
 * temporary files, processes, memory. `--short` takes at most five minutes, `--json` prints one object.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { HostFolder } from "../src/base/host-folder.ts";
import { createRunner } from "../src/runner/runner.ts";
import type { Runner, SkillProgram } from "../src/runner/types.ts";
import { createSandbox } from "../src/sandbox/create-sandbox.ts";
import { benchmark } from "./benchmark.ts";
import { benchProgram } from "./runner/bench-program.ts";

const WHOLE = { calls: 100_000, one_shots: 2_000, killed_hosts: 500 };
const SHORT = { calls: 50_000, one_shots: 200, killed_hosts: 60 };
/** Calls before anything is counted: until then the runtime itself still grows. */
const WARM_UP = 20_000;
const CALLS_PER_SAMPLE = 1_000;
const HOSTS_AT_A_TIME = 2;
/** How long the last process of a killed host may take to be gone. */
const GONE_MS = 10_000;
const SKILL = `import time

def echo(value):
    return value

def hang():
    time.sleep(600)
`;
const HOST_TASKS = ["start", "idle", "hang", "spare"] as const;

/** What a host is doing when it is killed. */
interface HostTask {
  readonly kind: (typeof HOST_TASKS)[number];
  readonly program: SkillProgram;
}

async function makeProgram(folder: string): Promise<SkillProgram> {
  const source = join(folder, "src"), entry = join(source, "skill.py");
  mkdirSync(source);
  writeFileSync(entry, SKILL);
  return {
    ...await benchProgram(),
    key: "soak",
    id: "soak",
    entry,
    source,
    tools: ["echo", "hang"],
    start_timeout_ms: 30_000,
    call_timeout_ms: 60_000,
  };
}

/** Calls in a row; kilobytes of memory after each thousand, garbage collected. */
async function callWarm(runner: Runner, program: SkillProgram, calls: number): Promise<readonly number[]> {
  const samples: number[] = [], collect = garbageCollector();
  for (let call = 1; call <= calls; call++) {
    await runner.call(program, { tool: "echo", input: { value: call } });
    if (call % CALLS_PER_SAMPLE !== 0) continue;
    collect();
    samples.push(process.memoryUsage.rss() / 1024);
  }
  return samples;
}

async function callOnce(runner: Runner, program: SkillProgram, calls: number): Promise<void> {
  const once: SkillProgram = { ...program, key: "soak-once", mode: "one_shot" };
  for (let call = 0; call < calls; call++) {
    await runner.call(once, { tool: "echo", input: { value: call } });
    // Some back to back, some after a pause in which a spare is made.
    if (call % 4 === 0) await sleep(50);
  }
  await runner.stop(once.key);
}

/** Kills hosts in all that they do; how many of their processes were still there long afterwards. */
async function killHosts(folder: string, program: SkillProgram, hosts: number): Promise<number> {
  let next = 0;
  const killOneByOne = async (): Promise<void> => {
    while (next < hosts) {
      const number = next++;
      const kind = HOST_TASKS[number % HOST_TASKS.length] ?? "start";
      await killHost({ kind, program }, folder, number);
    }
  };
  await Promise.all(Array.from({ length: HOSTS_AT_A_TIME }, killOneByOne));
  return await survivors(folder);
}

async function killHost(task: HostTask, folder: string, number: number): Promise<void> {
  const args = [...process.execArgv, fileURLToPath(import.meta.url), "--host", JSON.stringify(task)];
  const host = spawn(process.execPath, args, {
    stdio: ["ignore", "pipe", "ignore"],
    env: { ...process.env, TMPDIR: folder },
  });
  const exited = once(host, "exit");
  await saysReady(host);
  // A start is killed at another moment each time.
  if (task.kind === "start") await sleep(number % 60);
  host.kill("SIGKILL");
  await exited;
}

async function saysReady(host: ChildProcess): Promise<void> {
  for await (const _chunk of host.stdout ?? []) return;
  throw new Error("a host ended before it was killed");
}

/** Such a host: says that it has come to where it is to be killed, and stays there. */
async function beHost({ kind, program }: HostTask): Promise<void> {
  const runner = createRunner({ sandbox: createSandbox() });
  const mode = kind === "spare" ? "one_shot" : "daemon";
  const isThere = {
    start: () => true,
    idle: () => runner.list().some(({ state, busy }) => state === "running" && !busy),
    hang: () => runner.list().some(({ state, busy }) => state === "running" && busy),
    spare: () => runner.list().some(({ state }) => state === "pending"),
  }[kind];
  const tool = kind === "hang" ? "hang" : "echo";
  setInterval(() => {}, 60_000);
  const calling = runner.call({ ...program, mode }, { tool, input: tool === "echo" ? { value: 1 } : {} });
  while (!isThere()) await sleep(5);
  console.log("ready");
  await calling;
}

/** Processes that know the folder, after those that are just ending have ended. */
async function survivors(folder: string): Promise<number> {
  const end = performance.now() + GONE_MS;
  let left = processesOf(folder);
  while (left > 0 && performance.now() < end) {
    await sleep(100);
    left = processesOf(folder);
  }
  return left;
}

function processesOf(folder: string): number {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid).filter(
    (pid) => {
      try {
        // Zombies wait for whoever is to reap them; they hold nothing.
        if (/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "latin1"))) return false;
        return ["cmdline", "environ", "mountinfo"].some((file) =>
          readFileSync(`/proc/${pid}/${file}`, "latin1").includes(folder)
        );
      } catch {
        return false;
      }
    },
  ).length;
}

/** Taken once: a new context for each sample would be memory that the measuring itself uses. */
function garbageCollector(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
}

/** The median of all slopes between two samples: a single jump does not move it. */
function slope(samples: readonly number[]): number {
  const slopes = samples.flatMap((late, at) =>
    samples.slice(0, at).map((early, before) => (late - early) / (at - before))
  ).toSorted((a, b) => a - b);
  return slopes[Math.floor(slopes.length / 2)] ?? 0;
}

function openFiles(): number {
  return readdirSync("/proc/self/fd").length;
}

/** What is left of killed hosts when the next one has begun and ended. */
async function leftovers(hosts: string): Promise<number> {
  const next = new HostFolder(hosts);
  const root = dirname(await next.path());
  await next.close();
  return readdirSync(root).length;
}

function filesBelow(folder: string): number {
  return readdirSync(folder, { recursive: true }).length;
}

async function run(folder: string, goals: typeof WHOLE): Promise<Record<string, number | string>> {
  const program = await makeProgram(folder), sandbox = createSandbox(), temporary = join(folder, "tmp");
  mkdirSync(temporary);
  process.env["TMPDIR"] = temporary; // what anybody leaves behind is counted
  const { backend } = await sandbox.probe();
  const runner = createRunner({ sandbox });
  await callWarm(runner, program, WARM_UP);
  await callOnce(runner, program, 20);
  await sleep(500);
  const before = { files: openFiles(), temporary: filesBelow(temporary) };
  const samples = await callWarm(runner, program, goals.calls);
  await callOnce(runner, program, goals.one_shots);
  await sleep(500);
  const fd_growth = openFiles() - before.files, own_growth = filesBelow(temporary) - before.temporary;
  await runner.close();
  const ownSurvivors = await survivors(temporary);
  const hosts = join(folder, "hosts");
  mkdirSync(hosts);
  const hostSurvivors = await killHosts(hosts, program, goals.killed_hosts);
  return {
    sandbox: backend,
    ...goals,
    survivors: ownSurvivors + hostSurvivors,
    fd_growth,
    tmp_growth: own_growth + await leftovers(hosts),
    host_rss_slope_kb_per_1000_calls: Math.round(slope(samples) * 10) / 10,
  };
}

if (process.argv[2] === "--host") {
  await beHost(JSON.parse(process.argv[3] ?? "") as HostTask);
} else {
  await benchmark((folder) => run(folder, process.argv.includes("--short") ? SHORT : WHOLE));
}
