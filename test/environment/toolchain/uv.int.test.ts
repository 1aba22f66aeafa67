import { chmod, copyFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createEnvironments } from "../../../src/environment/create-environments.ts";
import { fetchUv } from "../../../src/environment/toolchain/fetch-uv.ts";
import { findUv } from "../../../src/environment/toolchain/find-uv.ts";
import { exists, namesIn, sharedUv, temporaryFolder, thisPython, userEnv } from "../support.ts";

/** A file that can be started, holding `text`. */
async function program(path: string, text: string): Promise<string> {
  await mkdir(join(path, ".."), { recursive: true });
  await writeFile(path, text);
  await chmod(path, 0o755);
  return path;
}

describe("fetchUv", () => {
  it("installs one copy for both when two race into an empty cache", async () => {
    const [python, folder] = [await thisPython(), await temporaryFolder()];
    const tools = join(folder, "uv");
    const [first, second] = await Promise.all([1, 2].map(() => fetchUv({ python, tools, env: userEnv() })));
    expect(first).toEqual(second);
    expect(first).toMatchObject({ source: "cache", version: expect.stringMatching(/^0\.\d+\.\d+$/) });
    expect(await namesIn(tools)).toEqual([first?.version]);
    const found = await findUv({ env: { PATH: "", HOME: folder }, tools });
    expect(found).toEqual(first);
  });

  it("says what to install when the Python has neither pip nor venv", async () => {
    const [python, folder] = [await thisPython(), await temporaryFolder()];
    const bare = await program(join(folder, "python3"), "#!/bin/sh\necho no module named pip >&2; exit 1\n");
    const tools = join(folder, "uv");
    await expect(fetchUv({ python: { ...python, path: bare }, tools, env: userEnv() })).rejects.toMatchObject(
      {
        code: "uv_unavailable",
        fix: expect.stringContaining("python3-venv"),
      },
    );
    expect(await namesIn(tools)).toEqual([]);
  });

  it("leaves nothing when the index cannot be reached", async () => {
    const [python, folder] = [await thisPython(), await temporaryFolder()];
    const index = { PIP_INDEX_URL: "http://127.0.0.1:1/simple", PIP_RETRIES: "0", PIP_FIND_LINKS: "" };
    const tools = join(folder, "uv");
    await expect(fetchUv({ python, tools, env: userEnv(index) })).rejects.toMatchObject({
      code: expect.stringMatching(/^(index_unreachable|uv_unavailable)$/),
    });
    expect(await namesIn(tools)).toEqual([]);
  });

  it("leaves nothing when it is cancelled", async () => {
    const [python, folder] = [await thisPython(), await temporaryFolder()];
    const cancel = new AbortController();
    const tools = join(folder, "uv");
    const environments = createEnvironments({
      cacheDir: folder,
      env: { ...userEnv(), PATH: "", HOME: folder },
    });
    const options = { signal: cancel.signal, onLog: () => setTimeout(() => cancel.abort(), 0) };
    await expect(environments.uv(options)).rejects.toMatchObject({ code: "cancelled" });
    // the next in line starts only when the cancelled one has cleaned up
    await expect(
      createEnvironments({
        cacheDir: folder,
        env: userEnv({ PATH: "", HOME: folder }),
        allowUvInstall: false,
      }).uv(),
    )
      .rejects.toMatchObject({ code: "uv_unavailable" });
    await expect(environments.uv({ signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: "cancelled",
    });
    await expect(fetchUv({ python, tools, env: userEnv(), signal: AbortSignal.abort() })).rejects
      .toMatchObject({
        code: "cancelled",
      });
    expect(await namesIn(tools)).toEqual([]);
  });
});

describe("findUv", () => {
  it("looks at the setting, PATH, the home's folders and the cache, in this order", async () => {
    const [uv, home] = [await sharedUv(), await temporaryFolder()];
    const [onPath, tools] = [join(home, "path"), join(home, "tools")];
    const env = { PATH: `${onPath}:relative`, HOME: home };
    const places = [
      ["cache", join(tools, "0.13.0/bin/uv")],
      ["home", join(home, ".cargo/bin/uv")],
      ["home", join(home, ".local/bin/uv")],
      ["path", join(onPath, "uv")],
    ] as const;
    expect(await findUv({ env, tools })).toBeUndefined();
    for (const [source, path] of places) {
      await mkdir(join(path, ".."), { recursive: true });
      await copyFile(uv, path);
      expect(await findUv({ env, tools })).toMatchObject({ source, path });
    }
    expect(await findUv({ env, tools, setting: uv })).toMatchObject({ source: "setting", path: uv });
  });

  it("passes over shims, other programs, and versions that are too old", async () => {
    const [uv, home] = [await sharedUv(), await temporaryFolder()];
    await program(join(home, "shim/uv"), `#!/bin/sh\nexec "${uv}" "$@"\n`);
    await program(join(home, "broken/uv"), "not a program");
    const env = { PATH: ["shim", "broken"].map((name) => join(home, name)).join(":"), HOME: home };
    expect(await findUv({ env, tools: join(home, "tools") })).toBeUndefined();
    expect(await findUv({ env: { ...env, PATH: join(uv, "..") }, tools: "/none", atLeast: "99.0" }))
      .toBeUndefined();
    expect(await findUv({ env: { ...env, PATH: join(uv, "..") }, tools: "/none", atLeast: "0.5.0" }))
      .toBeDefined();
  });

  it("says so, instead of looking elsewhere, when the one that was set cannot be used", async () => {
    const folder = await temporaryFolder();
    await expect(findUv({ env: userEnv(), tools: folder, setting: "/no/such/uv" })).rejects.toMatchObject({
      code: "uv_unavailable",
      message: expect.stringContaining("/no/such/uv"),
    });
    await expect(findUv({ env: userEnv(), tools: folder, setting: await sharedUv(), atLeast: "99.0" }))
      .rejects
      .toMatchObject({ code: "uv_unavailable", details: { needed: "99.0" } });
  });
});

describe("createEnvironments without uv", () => {
  it("builds a skill without dependencies, and says what others need", async () => {
    const [stage, home] = [await temporaryFolder(), await temporaryFolder()];
    const options = { cacheDir: join(home, "cache"), allowUvInstall: false };
    const environments = createEnvironments({ ...options, env: userEnv({ PATH: "", HOME: home }) });
    const python = await environments.python();
    expect(await environments.build(stage, { dependencies: [], isolation: "venv", min_uv_version: "0.5" }))
      .toEqual({
        interpreter: python.path,
        python_version: python.version,
        site: [],
        roots: python.roots,
        pins: "",
        digest: null,
        uv_version: null,
      });
    await expect(environments.build(stage, { dependencies: ["six"], isolation: "venv" })).rejects
      .toMatchObject({
        code: "uv_unavailable",
        fix: expect.stringContaining("install uv"),
      });
    expect(await environments.findUv()).toBeUndefined();
    expect(await namesIn(stage)).toEqual([]);
    expect(await exists(join(home, "cache"))).toBe(false);
  });
});
