import { readFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { describe, expect, it } from "vitest";
import { runTool, type ToolRun } from "../../../src/environment/toolchain/run-tool.ts";
import { exists, temporaryFolder } from "../support.ts";

const shell = (code: string, more: Partial<ToolRun> = {}): ToolRun => ({
  command: "/bin/sh",
  args: ["-c", code],
  env: { PATH: "/usr/bin:/bin" },
  cwd: "/",
  timeout_ms: 30_000,
  ...more,
});

/** Whether a process runs; one that ended and waits to be collected does not. */
async function isRunning(pid: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  return status !== "" && !/\) [ZX] /.test(status);
}

describe("runTool", () => {
  it("gives code and both outputs, whatever the code is", async () => {
    expect(await runTool(shell("echo out; echo err >&2; exit 3"))).toEqual({
      code: 3,
      stdout: "out\n",
      stderr: "err\n",
    });
  });

  it("gives no code when a signal ends it or it cannot be started", async () => {
    expect(await runTool(shell("kill -9 $$"))).toMatchObject({ code: null });
    const missing = await runTool({ ...shell(""), command: "/no/such/program" });
    expect(missing).toMatchObject({ code: null, stderr: expect.stringContaining("ENOENT") });
  });

  it("hands on no variable that was not given", async () => {
    process.env["SKILLWRIGHT_TEST_SECRET"] = "secret";
    const { stdout } = await runTool(shell("env", { env: { PATH: "/usr/bin:/bin", GIVEN: "given" } }));
    delete process.env["SKILLWRIGHT_TEST_SECRET"];
    expect(stdout).toContain("GIVEN=given");
    expect(stdout).not.toContain("secret");
  });

  it("keeps beginning and end when the output is long", async () => {
    const { stdout } = await runTool(shell("echo first; head -c 3000000 /dev/zero; echo last"));
    expect(stdout.length).toBeLessThan(300_000);
    expect(stdout).toMatch(/^first\n[^]*bytes left out[^]*last\n$/);
  });

  it.each(["cancelled", "timeout"])("ends children as well when it ends by %s", async (code) => {
    const folder = await temporaryFolder();
    const cancel = new AbortController();
    const [written, pidFile] = [join(folder, "written"), join(folder, "pid")];
    const program = `sleep 1000 & echo $! > ${pidFile}; : > ${written}; wait`;
    const limits = code === "cancelled" ? { signal: cancel.signal } : { timeout_ms: 500 };
    const running = runTool(shell(program, limits)).catch((error: unknown) => error);
    while (!await exists(written)) await new Promise((resolve) => setImmediate(resolve));
    const pid = Number(await readFile(pidFile, "utf8"));
    cancel.abort();
    expect(await running).toMatchObject({ code });
    while (await isRunning(pid)) await new Promise((resolve) => setImmediate(resolve));
  });

  it("starts nothing when it is cancelled before", async () => {
    const folder = await temporaryFolder();
    const run = shell(`: > ${join(folder, "started")}`, { signal: AbortSignal.abort() });
    await expect(runTool(run)).rejects.toMatchObject({ code: "cancelled" });
    expect(await exists(join(folder, "started"))).toBe(false);
  });
});
