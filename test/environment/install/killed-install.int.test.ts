import { spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { describe, expect, it } from "vitest";
import { digestTree } from "../../../src/base/digest.ts";
import { createEnvironments } from "../../../src/environment/create-environments.ts";
import { runTool } from "../../../src/environment/toolchain/run-tool.ts";
import { tries } from "../../torture.ts";
import { findBwrap, namesIn, sharedUv, temporaryFolder, userEnv } from "../support.ts";

const bwrap = await findBwrap();
const PROGRAM = join(import.meta.dirname, "../build-program.ts");
const FLAGS = "Deno" in globalThis ? ["run", "-A"] : ["--experimental-strip-types", "--no-warnings"];
const LATEST_MS = 1200;

/** Ids of running processes whose command line names the folder. */
async function processesNaming(folder: string, program: string = ""): Promise<readonly number[]> {
  const found: number[] = [];
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) continue;
    const line = await readFile(`/proc/${name}/cmdline`, "utf8").catch(() => "");
    if (line.includes(folder) && line.startsWith(program)) found.push(Number(name));
  }
  return found;
}

describe.each(["landlock", "bubblewrap"] as const)("an installation that is killed, uv in %s", (backend) => {
  it.skipIf(backend === "bubblewrap" && bwrap === undefined)(
    "leaves no process and nothing half done at any moment, and the next one works",
    async () => {
      const [cacheDir, uv] = [await temporaryFolder(), await sharedUv()];
      const environments = createEnvironments({ cacheDir, uv, env: userEnv(), backend });
      const request = { dependencies: ["httpx"], isolation: "venv" } as const;
      const { pins } = await environments.build(await temporaryFolder(), request);
      for (let attempt = 0; attempt < tries(3, 100); attempt++) {
        const stage = await temporaryFolder();
        const order = JSON.stringify({ stage, cacheDir, uv, backend });
        const host = spawn(process.execPath, [...FLAGS, PROGRAM, order], {
          stdio: "ignore",
          env: { ...process.env, ...userEnv() },
          cwd: join(import.meta.dirname, "../../.."),
        });
        const ended = new Promise((resolve) => host.once("exit", resolve));
        await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, randomInt(LATEST_MS)))]);
        // By turns the host, and uv below it, which fails the installation.
        const victims = attempt % 2 === 0 ? [] : await processesNaming(cacheDir, uv);
        for (const pid of victims.length === 0 ? [host.pid ?? 0] : victims) killIfThere(pid);
        await ended;
        await expect.poll(() => processesNaming(stage), { timeout: 10_000 }).toEqual([]);
        await expect.poll(() => processesNaming(join(cacheDir, "install")), { timeout: 10_000 }).toEqual([]);
        expect(["", "venv"]).toContain((await namesIn(stage)).join());
        await rm(stage, { recursive: true });
        if ((attempt + 1) % tries(3, 1) !== 0) continue;
        const again = await temporaryFolder();
        const record = await environments.build(again, request);
        expect(record).toMatchObject({ pins, digest: await digestTree(join(again, "venv")) });
        const args = ["-I", "-c", "import httpx, anyio, certifi, idna, h11, httpcore"];
        const use = { command: join(again, record.interpreter), args, env: {}, cwd: "/", timeout_ms: 60_000 };
        expect(await runTool(use)).toMatchObject({ code: 0 });
      }
    },
    120_000 * tries(1, 10),
  );
});

function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // it ended by itself
  }
}
