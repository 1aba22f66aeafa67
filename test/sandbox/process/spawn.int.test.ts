import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { describe, expect, test } from "vitest";
import { createSandbox } from "../../../src/sandbox/create-sandbox.ts";
import type { SandboxPlan } from "../../../src/sandbox/types.ts";
import { tries } from "../../torture.ts";
import {
  backendsHere,
  eventually,
  NO_GRANTS,
  Place,
  run,
  runtimeArguments,
  start,
  survivors,
  TYPESCRIPT_FLAGS,
} from "../support.ts";

const backends = await backendsHere();
const none = createSandbox({ backend: "unsafe-none" });
const HOST = fileURLToPath(new URL("../fixtures/host.ts", import.meta.url));
const SLEEP =
  "import os, time, signal\nfor s in (1, 2, 15): signal.signal(s, signal.SIG_IGN)\nos.write(1, b'running')\ntime.sleep(60)";

/** A host of its own; with `leak`, it has inherited an open descriptor 9. */
function startHost(task: string, backend: string, leak = false): ChildProcess {
  const others: ("ignore" | "pipe")[] = leak ? [...Array<"ignore">(6).fill("ignore"), "pipe"] : [];
  return spawn(process.execPath, [...runtimeArguments(HOST), task, backend], {
    stdio: ["ignore", "pipe", "inherit", ...others],
  });
}

/** The first line that a host prints. */
function firstLine(host: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    host.stdout?.on("data", (chunk) => {
      text += chunk;
      if (text.includes("\n")) resolve(text.split("\n")[0] ?? "");
    });
    host.once("exit", () => reject(new Error("the host ended early")));
  });
}

const ended = (host: ChildProcess) => new Promise<number | null>((resolve) => host.once("exit", resolve));

for (const { name, backend, skip } of backends) {
  describe.skipIf(skip)(`${name}${skip === undefined ? "" : ` (skipped: ${skip})`}`, () => {
    test("kill leaves nothing at any moment of a start", async () => {
      using place = new Place();
      for (let attempt = 0; attempt < tries(20, 200); attempt++) {
        const child = await start(backend, place, SLEEP);
        await new Promise((resolve) => setTimeout(resolve, attempt * 2));
        child.kill();
        await child.exited;
      }
      expect(await eventually(() => survivors(place.dir).length === 0)).toBe(true);
    });

    test("kill ends a program that ignores signals", async () => {
      using place = new Place();
      const child = await start(backend, place, SLEEP);
      child.stderr.resume();
      await new Promise((resolve) => child.stdout.once("data", resolve));
      expect(survivors(place.dir)).not.toEqual([]);
      child.kill();
      child.kill();
      await child.exited;
      child.kill();
      expect(await eventually(() => survivors(place.dir).length === 0)).toBe(true);
    });

    test.each([0, 12, 25, 60])("a host killed %i ms into the starts leaves nothing", async (delay) => {
      const host = startHost("crowd", name);
      const dir = await firstLine(host);
      await new Promise((resolve) => setTimeout(resolve, delay));
      host.kill("SIGKILL");
      await ended(host);
      expect(await eventually(() => survivors(dir).length === 0)).toBe(true);
      rmSync(dir, { recursive: true });
    });

    test("programs that are not kept don't keep the host, and end with it", async () => {
      const host = startHost("idle", name);
      const code = ended(host);
      const dir = await firstLine(host);
      expect(await code).toBe(0);
      expect(await eventually(() => survivors(dir).length === 0)).toBe(true);
    });

    test("a program gets no descriptor of the host", async () => {
      const host = startHost("descriptors", name, true);
      // The fourth is the one that reads the list.
      expect(await firstLine(host)).toBe("['0', '1', '2', '3']");
    });

    test("a program gets no variable of the host", async () => {
      process.env["SKILLWRIGHT_TEST_TOKEN"] = "secret-value";
      using place = new Place();
      const code = "import os\nprint(sorted(os.environ))\nprint(open('/proc/self/environ').read())";
      const { out } = await run(backend, place, code, {}, { GIVEN: "yes" });
      delete process.env["SKILLWRIGHT_TEST_TOKEN"];
      expect(out).toContain(
        "['GIVEN', 'HOME', 'LANG', 'MALLOC_ARENA_MAX', 'OPENBLAS_NUM_THREADS', 'PATH', 'TMPDIR']",
      );
      expect(out).not.toContain("secret-value");
    });

    test("reads its input, and what it leaves in out is on the host's disk", async () => {
      using place = new Place();
      place.file("scratch/in/a", "given");
      const readable = place.file("readable", "granted");
      const writable = place.folder("writable");
      const code = `
open("out/copy", "w").write(open("in/a").read())
open("${writable}/copy", "w").write(open("${readable}").read())
`;
      const { exit, err } = await run(backend, place, code, { read: [readable], write: [writable] });
      expect({ exit, err }).toEqual({ exit: { code: 0, signal: null }, err: "" });
      expect(readFileSync(`${place.scratch}/out/copy`, "utf8")).toBe("given");
      expect(readFileSync(`${writable}/copy`, "utf8")).toBe("granted");
    });
  });
}

describe("spawnPlan", () => {
  const planFor = (place: Place, args: readonly string[]): Promise<SandboxPlan> =>
    none.plan(NO_GRANTS, { interpreter: "/usr/bin/python3", roots: [], scratch: place.scratch })
      .then((plan) => ({ ...plan, args }));

  test("ready rejects with what was said when the process ends first", async () => {
    using place = new Place();
    const child = none.spawn(await planFor(place, ["-c", "import sys; sys.exit('no such luck')"]));
    await expect(child.ready).rejects.toMatchObject({
      code: "start_failed",
      message: expect.stringContaining("exit code 1: no such luck") as unknown,
    });
    await expect(child.exited).resolves.toEqual({ code: 1, signal: null });
  });

  test("ready rejects and exited resolves when there is no such program", async () => {
    using place = new Place();
    const child = none.spawn({ ...await planFor(place, []), command: "/nowhere/python" });
    await expect(child.ready).rejects.toMatchObject({ code: "start_failed" });
    expect((await child.exited).error).toContain("ENOENT");
    child.kill();
  });

  test("orders can be handed over once", async () => {
    using place = new Place();
    const child = await start(none, place, "pass");
    expect(() => child.handOver({})).toThrow("already handed over");
    await child.exited;
  });

  test("a bootstrap that cannot confine runs nothing", async () => {
    using place = new Place();
    const entry = place.file("source/skill.py", "open('out/ran', 'w')");
    const plan = await none.plan(NO_GRANTS, {
      interpreter: "/usr/bin/python3",
      roots: [],
      scratch: place.scratch,
    });
    const child = none.spawn({ ...plan, confine: { ...plan.confine, filter: "00" } });
    let err = "";
    child.stderr.on("data", (chunk) => err += chunk);
    child.handOver({ mode: "fd", entry, source: place.source });
    expect(await child.exited).toEqual({ code: 70, signal: null });
    expect(err).toContain("the sandbox could not be completed");
  });

  test("exited resolves although a survivor holds the streams", async () => {
    using place = new Place();
    const code = `
import os, time
child = os.fork()
if child == 0:
    os.setsid()
    time.sleep(60)
os.write(1, b"%d" % child)
`;
    const child = await start(none, place, code);
    const survivor = await new Promise<string>((resolve) =>
      child.stdout.once("data", (chunk) => resolve(String(chunk)))
    );
    expect(await child.exited).toEqual({ code: 0, signal: null });
    expect(child.stdout.destroyed).toBe(true);
    process.kill(Number(survivor), "SIGKILL");
  });

  test("a worker thread cannot start a sandbox", async () => {
    const answer = new SharedArrayBuffer(256);
    const worker = new Worker(new URL("../fixtures/worker.ts", import.meta.url), {
      workerData: answer,
      execArgv: [...TYPESCRIPT_FLAGS],
    });
    await new Promise((resolve, reject) => {
      worker.once("exit", resolve);
      worker.once("error", reject);
    });
    const [length = 0, ...bytes] = new Uint8Array(answer);
    const message = new TextDecoder().decode(new Uint8Array(bytes.slice(0, length)));
    expect(message).toBe("a sandbox cannot be started from a worker thread");
  });
});
