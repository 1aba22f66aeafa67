import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import { fixtureProgram, processesWith, temporaryFolder, usableSandboxes } from "./support.ts";

const HOST = fileURLToPath(new URL("./hosts/one-call.ts", import.meta.url));
const isDeno = "Deno" in globalThis;

function startHost(task: object): ChildProcess {
  const mode = "spare" in task ? "one_shot" : "daemon";
  const program = fixtureProgram("functions.py", { tools: ["count", "hang"], mode });
  const args = [...(isDeno ? ["run", "-A"] : []), HOST, JSON.stringify({ program, ...task })];
  const host = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
  onTestFinished(() => void host.kill("SIGKILL"));
  return host;
}

async function outputUntil(host: ChildProcess, text: string): Promise<void> {
  let seen = "";
  for await (const chunk of host.stdout ?? []) {
    seen += String(chunk);
    if (seen.includes(text)) return;
  }
  throw new Error(`the host ended without saying "${text}": ${seen}`);
}

describe.each(await usableSandboxes())("a host that uses $name", ({ name: backend }) => {
  test("ends by itself although a daemon is idle, and leaves no process", async () => {
    const scratchRoot = temporaryFolder();
    const host = startHost({ backend, scratchRoot, tool: "count" });
    const exited = once(host, "exit");
    await outputUntil(host, "value 1");
    expect(await exited).toEqual([0, null]);
    await expect.poll(() => processesWith(scratchRoot), { timeout: 5000 }).toEqual([]);
  });

  test("that crashes while a daemon is idle leaves no process", async () => {
    const scratchRoot = temporaryFolder();
    const host = startHost({ backend, scratchRoot, tool: "count", throws: true });
    host.stderr?.resume();
    const exited = once(host, "exit");
    await outputUntil(host, "value 1");
    expect(await exited).toEqual([1, null]);
    await expect.poll(() => processesWith(scratchRoot), { timeout: 5000 }).toEqual([]);
  });

  test("ends by itself although a spare waits, and leaves no process", async () => {
    const scratchRoot = temporaryFolder();
    const host = startHost({ backend, scratchRoot, tool: "count", spare: "leave" });
    const exited = once(host, "exit");
    await outputUntil(host, "value 1");
    expect(await exited).toEqual([0, null]);
    await expect.poll(() => processesWith(scratchRoot), { timeout: 5000 }).toEqual([]);
  });

  test("that is killed while a spare waits leaves no process", async () => {
    const scratchRoot = temporaryFolder();
    const host = startHost({ backend, scratchRoot, tool: "count", spare: "watch" });
    await outputUntil(host, "value 1");
    expect(processesWith(scratchRoot)).not.toEqual([]);
    host.kill("SIGKILL");
    await expect.poll(() => processesWith(scratchRoot), { timeout: 5000 }).toEqual([]);
  });

  test.each([false, true])(
    "that is interrupted while a process starts leaves no process, and no folder if it heeds it (%s)",
    async (heedsInterrupt) => {
      const scratchRoot = temporaryFolder();
      const program = fixtureProgram("slow_start.py", { start_timeout_ms: 60_000 });
      const host = startHost({ backend, scratchRoot, tool: "invoke", program, heedsInterrupt });
      const exited = once(host, "exit");
      await outputUntil(host, "starting");
      expect(processesWith(scratchRoot)).not.toEqual([]);
      host.kill("SIGINT");
      await exited;
      await expect.poll(() => processesWith(scratchRoot), { timeout: 5000 }).toEqual([]);
      // One that just dies leaves its folder to the next host.
      expect(readdirSync(scratchRoot)).toHaveLength(heedsInterrupt ? 0 : 1);
    },
  );

  test("that is killed during a call leaves no process", async () => {
    const scratchRoot = temporaryFolder();
    const host = startHost({ backend, scratchRoot, tool: "hang" });
    await outputUntil(host, "busy");
    expect(processesWith(scratchRoot).length).toBeGreaterThan(1);
    host.kill("SIGKILL");
    await expect.poll(() => processesWith(scratchRoot), { timeout: 5000 }).toEqual([]);
  });
});
