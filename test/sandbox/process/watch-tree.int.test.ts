import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import process from "node:process";
import { expect, onTestFinished, test } from "vitest";
import { findCanaryPython } from "../../../src/sandbox/canary/canary-python.ts";
import { processTree, treeUsage } from "../../../src/sandbox/process/process-tree.ts";
import { TreeWatch } from "../../../src/sandbox/process/watch-tree.ts";
import { eventually } from "../support.ts";

const MEMORY = 1 << 30;
// No launcher in front of it: that would be a process more.
const { path: INTERPRETER } = await findCanaryPython();

function python(code: string): ChildProcess & { readonly pid: number } {
  const child = spawn(INTERPRETER, ["-c", code], { stdio: ["ignore", "pipe", "inherit"], detached: true });
  onTestFinished(() => {
    for (const pid of [-(child.pid ?? 0), child.pid ?? 0]) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // it has ended
      }
    }
  });
  return child as ChildProcess & { readonly pid: number };
}

const isStopped = (pid: number) => /\) T /.test(readFileSync(`/proc/${pid}/stat`, "latin1"));

test.skipIf(process.platform !== "linux")(
  "a busy process is kept at its share by stopping and continuing it, with all below it, and no other",
  async () => {
    const spin = "import os\nos.fork()\nwhile True: pass";
    const [held, free] = [python(spin), python(spin)];
    const watches = [
      new TreeWatch(held.pid, { cpu_percent: 2, memory_bytes: MEMORY }, () => {}),
      new TreeWatch(free.pid, { memory_bytes: MEMORY }, () => {}),
    ];
    onTestFinished(() => watches.forEach((watch) => watch.end()));
    // On a busy machine it takes a while to use up what a process may use at once.
    await expect.poll(async () => {
      const tree = await processTree(held.pid);
      return tree.length === 2 && tree.every(isStopped);
    }, { timeout: 30_000 }).toBe(true);
    expect((await processTree(free.pid)).some(isStopped)).toBe(false);
    await expect.poll(() => isStopped(held.pid), { timeout: 30_000 }).toBe(false);
  },
  60_000,
);

test.skipIf(process.platform !== "linux")(
  "the usage of a tree holds what its ended children used",
  async () => {
    const child = python(
      "import os, sys, time\nif os.fork() == 0:\n  end = time.process_time() + 0.3\n  while time.process_time() < end: pass\n  os._exit(0)\nos.wait()\nprint('done', flush=True)\ntime.sleep(60)",
    );
    let said = "";
    child.stdout?.on("data", (chunk) => said += chunk);
    expect(await eventually(() => said.includes("done"))).toBe(true);
    const { pids, cpuMs, unseen } = await treeUsage(child.pid);
    expect(pids).toEqual([child.pid]);
    expect(cpuMs).toBeGreaterThanOrEqual(280);
    expect(unseen).toBe(0);
    expect(await treeUsage(2 ** 22 - 1)).toMatchObject({ cpuMs: 0, memoryBytes: 0 });
  },
);
