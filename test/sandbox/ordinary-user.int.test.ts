import { execFile } from "node:child_process";
import { chmodSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { backendsHere, eventually, isRoot, LIMITS, Place, runtimeArguments, survivors } from "./support.ts";

const HOST = fileURLToPath(new URL("fixtures/host.ts", import.meta.url));
const NOBODY = 65534;
const backends = await backendsHere();

/** Runs a host as an ordinary user: as nobody when the tests run as root. */
async function runHost(task: string, backend: string): Promise<string[]> {
  using home = new Place();
  chmodSync(home.dir, 0o777);
  const { stdout } = await promisify(execFile)(process.execPath, [...runtimeArguments(HOST), task, backend], {
    ...(isRoot ? { uid: NOBODY, gid: NOBODY } : {}),
    env: { PATH: "/usr/bin:/bin", HOME: home.dir, DENO_DIR: `${home.dir}/deno` },
    cwd: "/",
  });
  return stdout.trim().split("\n");
}

describe.each(backends)("$name for an ordinary user", ({ name, skip }) => {
  test.skipIf(skip)("keeps what it keeps for root", async () => {
    const report = JSON.parse((await runHost("probe", name))[0] ?? "") as {
      usable: boolean;
      enforced: string[];
    };
    expect(report.usable).toBe(true);
    expect(report.enforced.includes("process_spawn_allow")).toBe(name === "bubblewrap");
  });
});

test.skipIf(backends.some(({ name, skip }) => name === "bubblewrap" && skip !== undefined))(
  "bubblewrap lets an ordinary user's program start children, counts them and ends them all",
  async () => {
    const [echo, count, dir] = await runHost("children", "bubblewrap");
    expect(echo).toBe("b'hello\\n'");
    expect(Number(count)).toBeGreaterThan(0);
    expect(Number(count)).toBeLessThan(LIMITS.processes);
    expect(await eventually(() => survivors(dir ?? "nowhere").length === 0)).toBe(true);
  },
);

test.skipIf(backends.some(({ name, skip }) => name === "bubblewrap" && skip !== undefined))(
  "bubblewrap holds the children of a program with a network to its proxy",
  async () => {
    expect(await runHost("childOnline", "bubblewrap")).toEqual([
      "proxy HTTP/1.1 403",
      "direct refused",
      "unix refused",
      "netlink refused",
    ]);
  },
);
