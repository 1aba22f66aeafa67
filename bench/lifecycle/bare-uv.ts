import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { copyFile, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { buildEnvironment } from "../../src/environment/install/build.ts";
import { packageIndex } from "../../src/environment/index/package-index.ts";
import { parseRequirements } from "../../src/environment/install/requirement.ts";
import type { ToolResult } from "../../src/environment/toolchain/run-tool.ts";
import type { Environments } from "../../src/environment/types.ts";
import { defaultCacheDir, type UserEnvironment } from "../../src/environment/toolchain/user-environment.ts";
import { uvEnvironment } from "../../src/environment/index/uv-environment.ts";

const run = promisify(execFile);
/** Stands for the folder of one installation. */
const WORK = "\0work";

/**
 * The uv commands of an installation, one after the other, with nothing around them: no sandbox, no checks, no digest.
 * They are taken down from a real one, so that their flags are the product's.
 */
export class BareUv {
  readonly #uv: string;
  readonly #env: Readonly<Record<string, string>>;
  readonly #room: string;
  #commands: (readonly string[])[] = [];
  readonly #stub: string;

  private constructor(uv: string, env: Readonly<Record<string, string>>, room: string) {
    this.#uv = uv;
    this.#env = env;
    this.#room = room;
    this.#stub = join(room, `${randomUUID()}.py`);
  }

  /**
   * Installs `dependencies` twice: the first time fills uv's cache, of the second one the commands are kept. `user` is
   * what `environments` go by.
   */
  static async record(
    environments: Environments,
    user: UserEnvironment,
    dependencies: readonly string[],
  ): Promise<BareUv> {
    const python = await environments.python(), uv = await environments.uv();
    const room = join(defaultCacheDir(user), "install");
    const index = await packageIndex(python, user);
    const env = uvEnvironment({ index, cache: join(room, "cache"), home: room, offline: false });
    const bare = new BareUv(uv.path, env, room);
    const confined = {
      by: "nothing",
      unenforced: undefined,
      run: (args: readonly string[], cwd: string) => bare.#take(args, cwd),
      close: () => Promise.resolve(),
    } as const;
    const requirements = parseRequirements(dependencies);
    for (let time = 0; time < 2; time++) {
      const stage = await bare.#folder();
      bare.#commands = [];
      try {
        await buildEnvironment(stage, { requirements, isolation: "venv", python, uv, room, confined });
      } finally {
        await rm(stage, { recursive: true });
      }
    }
    return bare;
  }

  /** Runs them in a new folder, which is the answer. */
  async install(): Promise<string> {
    const folder = await this.#folder();
    await copyFile(this.#stub, join(folder, "deps.py"));
    for (const args of this.#commands) await this.#run(args.map((one) => one.replace(WORK, folder)), folder);
    return folder;
  }

  async close(): Promise<void> {
    await rm(this.#stub, { force: true });
  }

  async #take(args: readonly string[], work: string): Promise<ToolResult> {
    if (this.#commands.length === 0) await copyFile(join(work, "deps.py"), this.#stub);
    try {
      const printed = await this.#run(args, work);
      this.#commands.push(args.map((one) => one.replace(work, WORK)));
      return { code: 0, ...printed };
    } catch (error) {
      return { code: 1, stdout: "", stderr: String(error) };
    }
  }

  #run(args: readonly string[], cwd: string): Promise<{ readonly stdout: string; readonly stderr: string }> {
    return run(this.#uv, args, { cwd, env: { ...this.#env, TMPDIR: cwd } });
  }

  async #folder(): Promise<string> {
    const path = join(this.#room, `bench-${randomUUID()}`);
    await mkdir(path, { recursive: true });
    return path;
  }
}
