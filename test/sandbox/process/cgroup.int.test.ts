import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import { createSandbox } from "../../../src/sandbox/create-sandbox.ts";
import { Cgroup, findCgroupParent } from "../../../src/sandbox/process/cgroup.ts";
import { eventually, LIMITS, NO_GRANTS, Place, run, runtimeArguments } from "../support.ts";

const found = findCgroupParent();
const sandbox = createSandbox({ backend: "bubblewrap" });
const { usable } = await sandbox.probe();
const OWN = `skillwright-${process.pid.toString(36)}-`;
const groups = () => readdirSync(found?.parent ?? "/").filter((name) => name.startsWith(OWN));
const HOST = fileURLToPath(new URL("../hosts/group-host.ts", import.meta.url));

test("a group that is not delegated, or counts no processes, is none", () => {
  const folder = mkdtempSync(join(tmpdir(), "skillwright-cgroup-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  expect(findCgroupParent(join(folder, "absent"))).toBeUndefined();
  writeFileSync(join(folder, "cgroup.subtree_control"), "cpu io\n");
  expect(findCgroupParent(folder)).toBeUndefined();
  writeFileSync(join(folder, "cgroup.subtree_control"), "cpu memory pids\n");
  expect(findCgroupParent(folder)).toEqual({ parent: folder, version: 2 });
});

describe.skipIf(found === undefined || !usable)("a control group (skipped where none is to be had)", () => {
  const FORKS =
    "import os, signal\nn=0\ntry:\n  while n < 200:\n    if os.fork() == 0: signal.pause()\n    n += 1\nexcept OSError as e: print(n, e.errno, flush=True)\nelse: print(n, flush=True)";

  test("holds processes of a program back, for root too, and is gone after it", async () => {
    using place = new Place();
    const spawning = { ...NO_GRANTS, spawn: true, limits: { ...LIMITS, processes: 12 } };
    const { out } = await run(sandbox, place, FORKS, spawning);
    const [count, errno] = out.trim().split(" ").map(Number);
    expect(count).toBeGreaterThan(5);
    expect(count).toBeLessThan(16);
    expect(errno).toBe(11);
    expect(await eventually(() => groups().length === 0)).toBe(true);
  });

  test("tells that it was its limit when the program ends for it", async () => {
    using place = new Place();
    const spawning = { ...NO_GRANTS, spawn: true, limits: { ...LIMITS, processes: 12 } };
    const { exit } = await run(
      sandbox,
      place,
      FORKS.replace(/\nexcept[^]*/, "\nfinally: os._exit(3)"),
      spawning,
    );
    expect(exit).toMatchObject({ code: 3, limit: "processes" });
    const calm = await run(sandbox, place, "import os; os._exit(3)", spawning);
    expect(calm.exit).toEqual({ code: 3, signal: null });
  });

  test("is not made for a program that starts no processes", async () => {
    using place = new Place();
    const program = { interpreter: "/usr/bin/python3", roots: [place.source], scratch: place.scratch };
    expect(await sandbox.plan(NO_GRANTS, program)).not.toHaveProperty("group");
    expect(await sandbox.plan({ ...NO_GRANTS, spawn: true }, program)).toHaveProperty("group");
  });

  test("of a killed host is removed by the next one, that of a living host stays", async () => {
    const host = spawn(process.execPath, runtimeArguments(HOST), { stdio: ["pipe", "pipe", "inherit"] });
    onTestFinished(() => void host.kill("SIGKILL"));
    const name = String((await once(host.stdout, "data"))[0]).trim();
    const path = join(found?.parent ?? "", name);
    findCgroupParent();
    expect(existsSync(path)).toBe(true);
    host.kill("SIGKILL");
    await once(host, "exit");
    findCgroupParent();
    expect(existsSync(path)).toBe(false);
  });

  test("that cannot be made keeps the program from starting", async () => {
    using place = new Place();
    const plan = await sandbox.plan({ ...NO_GRANTS, spawn: true }, {
      interpreter: "/usr/bin/python3",
      roots: [place.source],
      scratch: place.scratch,
    });
    const group = plan.group === undefined ? undefined : { ...plan.group, parent: join(place.dir, "none") };
    const child = sandbox.spawn({ ...plan, ...(group === undefined ? {} : { group }) });
    await expect(child.ready).rejects.toMatchObject({ code: "start_failed" });
    await child.exited;
  });
});

test.skipIf(found === undefined)("a group is removed when its last process has ended", async () => {
  const group = new Cgroup({ ...found ?? { parent: "", version: 1 }, processes: 8, memory_bytes: 1 << 30 });
  const child = spawn("/bin/sleep", ["30"]);
  await group.take(child.pid ?? 0);
  expect(groups().length).toBeGreaterThan(0);
  const removed = group.remove();
  child.kill("SIGKILL");
  await removed;
  expect(await eventually(() => groups().length === 0)).toBe(true);
});
