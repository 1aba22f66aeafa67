import { statSync } from "node:fs";
import { mkdir, rename, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { describe, expect, it } from "vitest";
import { digestTree } from "../../../src/base/digest.ts";
import { createEnvironments } from "../../../src/environment/create-environments.ts";
import { looksOf } from "../../../src/environment/install/looks.ts";
import { runTool } from "../../../src/environment/toolchain/run-tool.ts";
import {
  exists,
  findBwrap,
  namesIn,
  sharedCache,
  sharedEnvironments,
  sharedUv,
  temporaryFolder,
  thisPython,
  userEnv,
} from "../support.ts";

const bwrapPath = await findBwrap();
const otherFileSystem = await stat("/dev/shm").then(({ dev }) => dev !== statSync(tmpdir()).dev, () => false);

/** Runs Python code with no environment; the answer is what it printed. */
async function python(
  interpreter: string,
  code: string,
  env: Record<string, string> = {},
  flags: readonly string[] = ["-I"],
): Promise<string> {
  const result = await runTool({
    command: interpreter,
    args: [...flags, "-c", code],
    env,
    cwd: "/",
    timeout_ms: 30_000,
  });
  return result.stdout.trim() + result.stderr.trim();
}

describe.each(["landlock", "bubblewrap"] as const)("build, uv in %s", (backend) => {
  const skip = backend === "bubblewrap" && bwrapPath === undefined;

  it.skipIf(skip)("installs locked, hash-checked packages that work when the stage is renamed", async () => {
    const folder = await temporaryFolder();
    const [stage, place] = [join(folder, "stage"), join(folder, "place")];
    await mkdir(stage);
    const environments = await sharedEnvironments({ backend });
    const record = await environments.build(stage, {
      dependencies: ["httpx>=0.27", "colorama; sys_platform == 'win32'"],
      requires_python: ">=3.9",
      isolation: "venv",
    });
    const base = await environments.python();
    expect(record).toEqual({
      interpreter: "venv/bin/python",
      python_version: base.version,
      site: [expect.stringMatching(/^venv\/lib\/python3\.\d+\/site-packages$/)],
      roots: base.roots,
      pins: expect.stringMatching(/^httpx==\S+ \\\n {4}--hash=sha256:[0-9a-f]{64}/m),
      digest: await digestTree(join(stage, "venv")),
      looks: await looksOf(join(stage, "venv")),
      uv_version: (await environments.uv()).version,
      install_unenforced: record.install_unenforced,
    });
    expect(record.install_unenforced?.includes("not enforced:") ?? false).toBe(backend === "landlock");
    expect(await namesIn(stage)).toEqual(["venv"]);
    await rename(stage, place);
    expect(await looksOf(join(place, "venv"))).toBe(record.looks);
    expect(await digestTree(join(place, "venv"))).toBe(record.digest);
    const where = await python(join(place, record.interpreter), "import httpx; print(httpx.__file__)");
    expect(where).toBe(join(place, record.site[0] ?? "", "httpx/__init__.py"));
    expect(await namesIn(join(place, record.site[0] ?? "", "httpx/__pycache__"))).not.toEqual([]);
  });

  it.skipIf(skip)("links files with the cache instead of copying them", async () => {
    const stage = await temporaryFolder();
    const record = await (await sharedEnvironments({ backend }))
      .build(stage, { dependencies: ["six==1.16.0"], isolation: "venv" });
    const { nlink, dev } = await stat(join(stage, record.site[0] ?? "", "six.py"));
    const oneFileSystem = dev === (await stat(await sharedCache())).dev;
    expect(nlink > 1).toBe(oneFileSystem);
  });
});

describe("build", () => {
  it("puts packages into env when the isolation is shared", async () => {
    const stage = await temporaryFolder();
    const environments = await sharedEnvironments();
    const record = await environments.build(stage, { dependencies: ["six==1.16.0"], isolation: "shared" });
    const base = await environments.python();
    expect(record).toMatchObject({
      interpreter: base.path,
      site: ["env"],
      digest: await digestTree(join(stage, "env")),
    });
    const code = `import sys; sys.path.insert(0, ${
      JSON.stringify(join(stage, "env"))
    }); import six; print(six.__version__)`;
    expect(await python(base.path, code)).toBe("1.16.0");
  });

  it("needs no network when everything is in the cache", async () => {
    const [first, second, folder] = [
      await temporaryFolder(),
      await temporaryFolder(),
      await temporaryFolder(),
    ];
    const request = { dependencies: ["six==1.16.0"], isolation: "venv" } as const;
    const online = await sharedEnvironments();
    const offline = await sharedEnvironments({ offline: true });
    const before = await online.build(first, request);
    expect((await offline.build(second, request)).pins).toBe(before.pins);
    const cold = createEnvironments({
      cacheDir: folder,
      uv: await sharedUv(),
      offline: true,
      env: userEnv(),
    });
    await expect(cold.build(await temporaryFolder(), request)).rejects.toMatchObject({
      code: "index_unreachable",
      details: { reason: "not_cached" },
    });
  });

  it("runs in parallel into one cold cache", async () => {
    const cacheDir = await temporaryFolder();
    const uv = await sharedUv();
    const records = await Promise.all([1, 2, 3].map(async () => {
      const environments = createEnvironments({ cacheDir, uv, env: userEnv() });
      return await environments.build(await temporaryFolder(), {
        dependencies: ["six==1.16.0"],
        isolation: "venv",
      });
    }));
    expect(new Set(records.map(({ pins }) => pins)).size).toBe(1);
    expect(await namesIn(join(cacheDir, "install/stages"))).toEqual([]);
  });

  it.each([
    ["a package that does not exist", ["no-such-package-of-skillwright-tests"], "dependency_unsatisfiable"],
    ["a version that does not exist", ["six==99"], "dependency_unsatisfiable"],
    ["a contradiction", ["httpx==0.28.1", "httpcore==0.9.0"], "dependency_unsatisfiable"],
    ["a package without wheels", ["docopt==0.6.2"], "dependency_refused"],
    ["a URL", ["six @ https://example.com/six.whl"], "dependency_refused"],
  ])("leaves nothing and names the requirement when it is %s", async (_, dependencies, code) => {
    const stage = await temporaryFolder();
    const environments = await sharedEnvironments();
    await expect(environments.build(stage, { dependencies, isolation: "venv" })).rejects.toMatchObject({
      code,
      details: { requirement: dependencies[0] },
    });
    expect(await namesIn(stage)).toEqual([]);
  });

  it("refuses before anything is resolved when no Python fits", async () => {
    const stage = await temporaryFolder();
    const lines: string[] = [];
    const request = { dependencies: ["six"], requires_python: ">=3.99", isolation: "venv" } as const;
    const built = (await sharedEnvironments()).build(stage, request, { onLog: (line) => lines.push(line) });
    await expect(built).rejects.toMatchObject({ code: "python_unavailable" });
    expect(lines).toEqual([]);
  });

  it("runs no code of a package when it would have to be built", async () => {
    const [links, stage, cacheDir] = [
      await temporaryFolder(),
      await temporaryFolder(),
      await temporaryFolder(),
    ];
    const marker = join(links, "ran");
    const base = await thisPython();
    await writeFile(join(links, "setup.py"), `open(${JSON.stringify(marker)}, "w").close()\n`);
    const pack = "import io, tarfile; t = tarfile.open('sourceonly-1.0.tar.gz', 'w:gz')\n" +
      "t.add('setup.py', 'sourceonly-1.0/setup.py')\n" +
      "b = b'Metadata-Version: 2.1\\nName: sourceonly\\nVersion: 1.0\\n'; i = tarfile.TarInfo('sourceonly-1.0/PKG-INFO')\n" +
      "i.size = len(b); t.addfile(i, io.BytesIO(b)); t.close()";
    await python(base.path, `import os; os.chdir(${JSON.stringify(links)})\n${pack}`);
    const environments = createEnvironments({
      cacheDir,
      uv: await sharedUv(),
      env: userEnv({ UV_FIND_LINKS: links }),
    });
    await expect(environments.build(stage, { dependencies: ["sourceonly==1.0"], isolation: "venv" })).rejects
      .toMatchObject({ code: "dependency_refused", details: { reason: "source_only" } });
    expect(await exists(marker)).toBe(false);
    await python(base.path, `exec(open(${JSON.stringify(join(links, "setup.py"))}).read())`);
    expect(await exists(marker)).toBe(true);
  });

  it("is not moved by hostile variables, and asks the index that the user set", async () => {
    const [stage, hostile, cacheDir] = [
      await temporaryFolder(),
      await temporaryFolder(),
      await temporaryFolder(),
    ];
    const config = join(hostile, "uv.toml");
    for (const path of [config, join(cacheDir, "uv.toml")]) {
      await writeFile(path, 'index-url = "http://127.0.0.1:1/simple"\n');
    }
    const env = userEnv({
      UV_CONFIG_FILE: config,
      UV_CACHE_DIR: join(hostile, "cache"),
      UV_PYTHON: "2.7",
      UV_OFFLINE: "1",
      UV_NO_VERIFY_HASHES: "1",
      UV_LINK_MODE: "nonsense",
      UV_PROJECT_ENVIRONMENT: hostile,
      VIRTUAL_ENV: hostile,
      CONDA_PREFIX: hostile,
      PIP_TARGET: join(hostile, "target"),
      PIP_PREFIX: hostile,
      PYTHONPATH: hostile,
    });
    const request = { dependencies: ["six==1.16.0"], isolation: "venv" } as const;
    const uv = await sharedUv();
    const record = await createEnvironments({ cacheDir, uv, env }).build(stage, request);
    expect(await python(join(stage, record.interpreter), "import six; print(six.__version__)")).toBe(
      "1.16.0",
    );
    expect(await namesIn(hostile)).toEqual(["uv.toml"]);

    const closed = { ...env, UV_INDEX_URL: "http://user:pass-word@127.0.0.1:1/simple" };
    const other = createEnvironments({ cacheDir: join(hostile, "other"), uv, env: closed });
    const failure = await other.build(hostile, request).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "index_unreachable" });
    expect(JSON.stringify(failure)).not.toContain("pass-word");
  });

  it.skipIf(!otherFileSystem)(
    "copies with the times that bytecode needs when the cache is on another file system",
    async () => {
      const cacheDir = await temporaryFolder("/dev/shm");
      const environments = createEnvironments({ cacheDir, uv: await sharedUv(), env: userEnv() });
      const request = { dependencies: ["six==1.16.0"], isolation: "venv" } as const;
      await environments.build(await temporaryFolder(), request);
      const cached = (await namesIn(cacheDir, true)).filter((name) => name.endsWith("/six.py"));
      for (const name of cached) await utimes(join(cacheDir, name), 1e9, 1e9);
      const stage = await temporaryFolder();
      const record = await environments.build(stage, request);
      expect(await digestTree(join(stage, "venv"))).toBe(record.digest);
      expect((await stat(join(stage, record.site[0] ?? "", "six.py"))).mtimeMs).toBe(1e12);
      const printed = await python(join(stage, record.interpreter), "import six", { PYTHONVERBOSE: "1" }, []);
      expect(printed).toMatch(/six\.cpython-\d+\.pyc matches/);
    },
  );

  it("refuses a stage that holds an environment already", async () => {
    const stage = await temporaryFolder();
    await mkdir(join(stage, "venv"));
    await writeFile(join(stage, "venv", "kept"), "");
    const built = (await sharedEnvironments()).build(stage, { dependencies: ["six"], isolation: "venv" });
    await expect(built).rejects.toMatchObject({ code: "environment_failed" });
    expect(await namesIn(join(stage, "venv"))).toEqual(["kept"]);
  });

  it("leaves neither files nor processes when it is aborted", async () => {
    const [stage, cacheDir] = [await temporaryFolder(), await temporaryFolder()];
    const environments = createEnvironments({ cacheDir, uv: await sharedUv(), env: userEnv() });
    for (const moment of ["locking", "installing"]) {
      const cancel = new AbortController();
      const onLog = (line: string): void =>
        void (line.startsWith(moment) && setTimeout(() => cancel.abort(), 20));
      const built = environments.build(stage, { dependencies: ["httpx"], isolation: "venv" }, {
        signal: cancel.signal,
        onLog,
      });
      await expect(built).rejects.toMatchObject({ code: "cancelled" });
      expect(await namesIn(stage)).toEqual([]);
      expect(await namesIn(join(cacheDir, "install/stages"))).toEqual([]);
      expect(await processesNaming(cacheDir)).toEqual([]);
    }
    const record = await environments.build(stage, { dependencies: ["httpx"], isolation: "venv" });
    expect(await digestTree(join(stage, "venv"))).toBe(record.digest);
  });

  it("never takes up a killed installation again", async () => {
    const [stage, cacheDir] = [await temporaryFolder(), await temporaryFolder()];
    const program = join(import.meta.dirname, "../build-program.ts");
    const flags = "Deno" in globalThis ? ["run", "-A"] : ["--experimental-strip-types", "--no-warnings"];
    const uv = await sharedUv();
    const cancel = new AbortController();
    const killed = runTool({
      command: process.execPath,
      args: [...flags, program, JSON.stringify({ stage, cacheDir, uv })],
      env: Object.fromEntries(
        Object.entries(userEnv()).filter((entry): entry is [string, string] => !!entry[1]),
      ),
      cwd: join(import.meta.dirname, "../../.."),
      timeout_ms: 50_000,
      signal: cancel.signal,
    });
    const ended = new AbortController();
    const outcome = killed.catch((error: unknown) => error).finally(() => ended.abort());
    const installing = join(cacheDir, "installing");
    while (!ended.signal.aborted && !await exists(installing)) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    cancel.abort();
    expect(await outcome).toMatchObject({ code: "cancelled" });
    expect(await namesIn(stage)).toEqual([]);
    const environments = createEnvironments({ cacheDir, uv, env: userEnv() });
    const record = await environments.build(stage, { dependencies: ["httpx"], isolation: "venv" });
    expect(await python(join(stage, record.interpreter), "import httpx; print('fine')")).toBe("fine");
  });
});

/** Command lines of running processes that name the folder. */
async function processesNaming(folder: string): Promise<readonly string[]> {
  const code = `import glob
for path in glob.glob("/proc/[0-9]*/cmdline"):
    try: line = open(path).read()
    except OSError: continue
    if ${JSON.stringify(folder)} in line and "glob" not in line: print(line.replace("\\0", " "))`;
  const output = await python((await thisPython()).path, code);
  return output.split("\n").filter((line) => line !== "");
}
