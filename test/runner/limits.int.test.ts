import { statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { SkillError } from "../../src/base/errors.ts";
import { HostFolder } from "../../src/base/host-folder.ts";
import { createRunner } from "../../src/runner/runner.ts";
import type { CallResult, SkillProgram } from "../../src/runner/types.ts";
import type { SandboxBackend, SandboxLimits } from "../../src/sandbox/types.ts";
import { fixtureProgram, usableSandboxes } from "./support.ts";

const TMPFS = 0x01021994;
const backends = (await usableSandboxes()).filter(({ name }) => name !== "unsafe-none");
const base = fixtureProgram("functions.py").policy;

/** Runs `code` as the body of a tool below small limits. */
async function call(
  sandbox: SandboxBackend,
  code: string,
  limits: Partial<SandboxLimits> = {},
  overrides: Partial<SkillProgram> = {},
): Promise<CallResult> {
  // Hooks of a test are not to be had after its first wait.
  const place = new HostFolder();
  const runner = createRunner({ sandbox, limits: { stopGraceMs: 500 } });
  try {
    const source = await place.path();
    const entry = join(source, "skill.py");
    writeFileSync(entry, `def work():\n${code.replace(/^/gm, "    ")}\n`);
    const small: SandboxLimits = {
      ...base.limits,
      memory_mb: 128,
      file_size_mb: 2,
      scratch_mb: 8,
      ...limits,
    };
    const policy = { ...base, limits: small };
    const program = fixtureProgram("functions.py", { entry, source, tools: ["work"], policy, ...overrides });
    return await runner.call(program, { tool: "work", input: {} });
  } finally {
    await runner.close();
    await place.close();
  }
}

async function failure(...args: Parameters<typeof call>): Promise<SkillError> {
  const outcome = await call(...args).catch((error: unknown) => error);
  if (!(outcome instanceof Error)) throw new Error(`it went well: ${JSON.stringify(outcome)}`);
  return outcome as SkillError;
}

const told = (limit: string) => ({ code: "limit_exceeded", details: { limit } });
/** The program's own word: the error keeps its code, and decides nothing. */
const claimed = (code: string, limit: string) => ({ code, details: { limit, claimed: true } });

describe.each(backends)("in $name a call says which limit it hit", (sandbox) => {
  test.concurrent("memory, as the program tells it", async () => {
    const error = await failure(sandbox, "return len(bytearray(300 << 20))");
    expect(error).toMatchObject(claimed("tool_failed", "memory"));
    expect(error.message).toContain('its limit "memory"');
    expect((await call(sandbox, "return len(bytearray(30 << 20))")).value).toBe(30 << 20);
  });

  test.concurrent("memory that is shared, as the host measures it", async () => {
    const code = (mb: number, seconds: number) =>
      `import mmap, time\nshared = mmap.mmap(-1, ${mb} << 20)\nfor at in range(0, len(shared), 4096): shared[at] = 1\ntime.sleep(${seconds})\nreturn 1`;
    expect(await failure(sandbox, code(200, 20))).toMatchObject(told("memory"));
    expect((await call(sandbox, code(60, 0.6))).value).toBe(1);
  });

  test.concurrent("processor time, by the exit and the host's measure", async () => {
    const policy = { ...base, limits: { ...base.limits, cpu_percent: 400, cpu_seconds: 1 } };
    expect(await failure(sandbox, "while True: pass", {}, { policy })).toMatchObject(told("cpu"));
    const ignored = "import signal\nsignal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile True: pass";
    expect(await failure(sandbox, ignored, {}, { policy })).toMatchObject(told("cpu"));
  });

  test.concurrent("time, by the host's timer", async () => {
    const error = await failure(sandbox, "import time\ntime.sleep(20)", {}, { call_timeout_ms: 500 });
    expect(error).toMatchObject({ code: "timeout", details: { limit: "time" } });
  });

  test.concurrent("the size of a file, open files and a full folder, as the program tells it", async () => {
    const write = "open('out/large', 'wb').write(b'x' * (3 << 20))";
    expect(await failure(sandbox, write)).toMatchObject(claimed("tool_failed", "file_size"));
    const open = "files = [open('/dev/null') for _ in range(100)]";
    expect(await failure(sandbox, open)).toMatchObject(claimed("tool_failed", "open_files"));
    const small =
      "open('out/small', 'wb').write(b'x' * (1 << 20))\nreturn [open('/dev/null') for _ in range(20)] and 1";
    expect((await call(sandbox, small)).value).toBe(1);
  });

  test.concurrent("all files, by the host's look at the folder, and not for what the host put in", async () => {
    const fill =
      "import time\nfor i in range(20): open(f'out/{i}', 'wb').write(b'x' * (1 << 20))\ntime.sleep(20)";
    expect(await failure(sandbox, fill)).toMatchObject(told("scratch_total"));
  });

  test.concurrent("output, by the host's count of bytes", async () => {
    const flood = "import sys\nreturn 'x' * 200_000";
    expect((await failure(sandbox, flood)).code).toBe("message_too_large");
  });

  test.skipIf(statfsSync(tmpdir()).type === TMPFS)("disk I/O, by the host's measure, call by call", {
    concurrent: true,
  }, async () => {
    const write = (times: number, seconds: number) =>
      `import os, time\nfor _ in range(${times}):\n    with open('out/file', 'wb') as file:\n        file.write(b'x' * (1 << 20))\n        os.fsync(file.fileno())\ntime.sleep(${seconds})\nos.remove('out/file')\nreturn 1`;
    expect(await failure(sandbox, write(40, 20), { disk_io_mb: 16 })).toMatchObject(told("disk_io"));
    expect((await call(sandbox, write(4, 0.7), { disk_io_mb: 16 })).value).toBe(1);
  });

  test.concurrent("forged ends and texts are claims", async () => {
    const forged = [
      ["import os\nos._exit(152)", claimed("process_died", "cpu")],
      ["import os\nos._exit(153)", claimed("process_died", "file_size")],
      ["raise MemoryError('not true')", claimed("tool_failed", "memory")],
      [
        "import os, sys\nsys.stderr.write('MemoryError\\n')\nsys.stderr.flush()\nos._exit(1)",
        claimed("process_died", "memory"),
      ],
    ] as const;
    for (const [code, expected] of forged) expect(await failure(sandbox, code)).toMatchObject(expected);
    const killed = await failure(sandbox, "import os\nos._exit(137)");
    expect(killed).toMatchObject({ code: "process_died" });
    expect(killed.details).not.toHaveProperty("limit");
    expect((await failure(sandbox, "raise ValueError('plain')")).details).not.toHaveProperty("limit");
  });
});
