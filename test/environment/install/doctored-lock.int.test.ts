import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openUv } from "../../../src/environment/confinement/confined-uv.ts";
import type { ConfinedUv } from "../../../src/environment/confinement/uv-confinement.ts";
import { KnownHosts } from "../../../src/environment/index/index-hosts.ts";
import { packageIndex } from "../../../src/environment/index/package-index.ts";
import { uvEnvironment } from "../../../src/environment/index/uv-environment.ts";
import { buildEnvironment } from "../../../src/environment/install/build.ts";
import { parseRequirements } from "../../../src/environment/install/requirement.ts";
import { uvVersion } from "../../../src/environment/toolchain/find-uv.ts";
import type { EnvironmentRecord } from "../../../src/environment/types.ts";
import { serveFiles, serveIndex, type TestServer, wheels } from "../local-index.ts";
import { namesIn, sharedUv, temporaryFolder, thisPython, userEnv } from "../support.ts";

interface Market {
  readonly index: TestServer;
  /** Holds wheels of the same names and versions with other contents. */
  readonly villain: TestServer;
  readonly stage: string;
  /** Builds `dependencies`, the lock changed by `doctor` between its making and its use. */
  readonly build: (
    dependencies: readonly string[],
    doctor: (lock: string) => string,
  ) => Promise<EnvironmentRecord>;
}

async function market(): Promise<Market> {
  const folder = await wheels("cake==1.0", "cake==1.1", "poison==1.0");
  const files = await serveFiles(folder);
  const villainFiles = await serveFiles(await wheels("cake==1.0", "cake==1.1"));
  const [index, villain] = [await serveIndex(folder, () => files), villainFiles];
  const [cache, stage, python, path] = [
    await temporaryFolder(),
    await temporaryFolder(),
    await thisPython(),
    await sharedUv(),
  ];
  const uv = { path, version: await uvVersion(path) ?? "", source: "setting" } as const;
  const env = userEnv({ UV_DEFAULT_INDEX: `${index.url}/simple`, UV_FIND_LINKS: "" });
  const configured = await packageIndex(python, env);
  const needs = {
    python,
    uv,
    room: cache,
    scratch: await temporaryFolder(),
    files: configured.files,
    env: uvEnvironment({ index: configured, cache: join(cache, "cache"), home: cache, offline: false }),
    offline: false,
    // Its network is open: nothing but the checks keeps uv from the villain.
    backend: "landlock",
    bwrap: undefined,
    known: new KnownHosts(join(cache, "known.json")),
    names: ["cake"],
    signal: undefined,
  } as const;
  return {
    index,
    villain,
    stage,
    async build(dependencies, doctor) {
      const inner = await openUv(needs);
      const confined: ConfinedUv = {
        by: inner.by,
        unenforced: inner.unenforced,
        async run(args, cwd, timeout) {
          const result = await inner.run(args, cwd, timeout);
          const lock = join(cwd, "deps.py.lock");
          if (args[0] === "lock") await writeFile(lock, doctor(await readFile(lock, "utf8")));
          return result;
        },
        close: () => inner.close(),
      };
      try {
        const requirements = parseRequirements(dependencies);
        const plan = { requirements, isolation: "venv", python, uv, room: cache, confined } as const;
        return await buildEnvironment(stage, plan);
      } finally {
        await confined.close();
      }
    },
  };
}

const changed = (text: string, pattern: RegExp, by: string): string => {
  const other = text.replaceAll(pattern, by);
  expect(other).not.toBe(text);
  return other;
};

describe("a doctored lock", () => {
  it("installs the index's file when it names another address for a wheel", async () => {
    const { build, villain, index, stage } = await market();
    const record = await build(
      ["cake==1.0"],
      (lock) => changed(lock, /http:\/\/127\.0\.0\.1:\d+\/cake/g, `${villain.url}/cake`),
    );
    expect(record.pins).toContain("cake==1.0");
    expect(villain.asked).toEqual([]);
    expect(await readFile(join(stage, record.site[0] ?? "", "cake.py"), "utf8")).toContain("1.0");
    expect(index.asked).toContain("/simple/cake/");
  });

  it("asks no other index when it names one", async () => {
    const { build, villain, index } = await market();
    const doctor = (lock: string) =>
      changed(lock, new RegExp(`${index.url}/simple`, "g"), `${villain.url}/simple`);
    const outcome = await build(["cake==1.0"], doctor).catch((error: unknown) => error);
    expect(villain.asked).toEqual([]);
    expect(outcome).toMatchObject({ pins: expect.stringContaining("cake==1.0") });
  });

  it("is refused when a hash is taken out", async () => {
    const { build, stage } = await market();
    await expect(build(["cake==1.0"], (lock) => changed(lock, /, hash = "sha256:[0-9a-f]+"/g, ""))).rejects
      .toMatchObject({ code: "dependency_refused" });
    expect(await namesIn(stage)).toEqual([]);
  });

  it.each([["cake==1.0", "pin_version"], ["cake<2", "hash_mismatch"]])(
    "is refused when it names another version than %s was locked at",
    async (requirement, reason) => {
      const { build, stage } = await market();
      const doctor = (lock: string) =>
        lock.includes('version = "1.1"')
          ? changed(lock, /(?<before>version = "|cake-)1\.1/g, "$<before>1.0")
          : changed(lock, /(?<before>version = "|cake-)1\.0/g, "$<before>1.1");
      await expect(build([requirement], doctor)).rejects.toMatchObject({
        code: "dependency_refused",
        details: { reason },
      });
      expect(await namesIn(stage)).toEqual([]);
    },
  );

  it("is refused when it puts another package in the place of one", async () => {
    const { build, stage } = await market();
    await expect(build(["cake==1.0"], (lock) => changed(lock, /name = "cake"/g, 'name = "poison"'))).rejects
      .toMatchObject({ code: "dependency_refused", details: { reason: "pin_missing" } });
    expect(await namesIn(stage)).toEqual([]);
  });

  it("is what the same build makes a good environment of when nobody touches it", async () => {
    const { build, stage } = await market();
    const record = await build(["cake<2"], (lock) => lock);
    expect(await readFile(join(stage, record.site[0] ?? "", "cake.py"), "utf8")).toContain("1.1");
  });
});
