import { chmod, mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { findPython } from "../../../src/environment/toolchain/find-python.ts";
import { runTool } from "../../../src/environment/toolchain/run-tool.ts";
import { temporaryFolder, thisPython, userEnv } from "../support.ts";

async function script(path: string, text: string): Promise<void> {
  await mkdir(join(path, ".."), { recursive: true });
  await writeFile(path, `#!/bin/sh\n${text}\n`);
  await chmod(path, 0o755);
}

describe("findPython", () => {
  it("gives real paths, the version and readable roots", async () => {
    const python = await thisPython();
    expect(python.path).toMatch(/^\/.*python3\.\d+$/);
    expect(python.version).toMatch(/^3\.\d+\.\d+/);
    expect(python.roots.some((root) => python.path.startsWith(`${root}/`))).toBe(true);
  });

  it("resolves a shim to the interpreter behind it", async () => {
    const [python, folder] = [await thisPython(), await temporaryFolder()];
    await script(join(folder, "python3"), `exec "${python.path}" "$@"`);
    expect(await findPython({ env: userEnv({ PATH: folder }) })).toEqual(python);
  });

  it("resolves a virtual environment and a link to the base interpreter", async () => {
    const [python, folder] = [await thisPython(), await temporaryFolder()];
    const venv = join(folder, "venv");
    const args = ["-m", "venv", "--without-pip", venv];
    await runTool({ command: python.path, args, env: {}, cwd: folder, timeout_ms: 30_000 });
    expect(await findPython({ env: userEnv({ PATH: join(venv, "bin") }) })).toEqual(python);
    await symlink(python.path, join(folder, "python3"));
    expect(await findPython({ env: userEnv({ PATH: folder }) })).toEqual(python);
  });

  it("passes over what does not answer, answers nonsense or is too old", async () => {
    const [python, folder] = [await thisPython(), await temporaryFolder()];
    await script(join(folder, "a/python3"), "exit 127");
    await script(join(folder, "b/python3"), "echo hello");
    await script(
      join(folder, "c/python3"),
      `echo '{"path":"${python.path}","version":"3.8.1","prefixes":["/usr"],"stdlib":"/usr"}'`,
    );
    await script(join(folder, "d/python3"), `exec "${python.path}" "$@"`);
    const path = ["a", "b", "c", "d"].map((name) => join(folder, name)).join(":");
    expect(await findPython({ env: userEnv({ PATH: `relative:${path}` }) })).toEqual(python);
  });

  it("takes a versioned name when the first Python does not fulfil what is required", async () => {
    const [python, folder] = [await thisPython(), await temporaryFolder()];
    const answer =
      `echo '{"path":"${python.path}","version":"3.15.2","prefixes":["/usr"],"stdlib":"/usr/lib"}'`;
    await script(join(folder, "python3"), `exec "${python.path}" "$@"`);
    await script(join(folder, "python3.15"), answer);
    const found = await findPython({ env: userEnv({ PATH: folder }), requires: ">=3.15" });
    expect(found.version).toBe("3.15.2");
  });

  it("says what was tried when none fulfils what is required", async () => {
    const { path, version } = await thisPython();
    await expect(findPython({ env: userEnv(), requires: ">=3.99" })).rejects.toMatchObject({
      code: "python_unavailable",
      message: expect.stringContaining(`${version} (${path})`),
      fix: expect.stringContaining("requires-python"),
    });
  });

  it.each(["/no/such/python", "python3"])(
    "does not look elsewhere when the setting is %s",
    async (setting) => {
      await expect(findPython({ env: userEnv(), setting })).rejects.toMatchObject({
        code: "python_unavailable",
        message: expect.stringContaining(setting),
      });
    },
  );

  it("refuses a requirement that cannot be read", async () => {
    await expect(findPython({ env: userEnv(), requires: "three" })).rejects.toMatchObject({
      code: "invalid_script",
    });
  });
});
