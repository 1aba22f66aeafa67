import { mkdir, realpath } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { SkillError } from "../base/errors.ts";
import { untilCancelled } from "../base/until-cancelled.ts";
import { buildEnvironment } from "./install/build.ts";
import { fetchUv } from "./toolchain/fetch-uv.ts";
import { learnAgain, openUv } from "./confinement/confined-uv.ts";
import type { UvNeeds } from "./confinement/uv-confinement.ts";
import { findPython } from "./toolchain/find-python.ts";
import { findUv, neededUv } from "./toolchain/find-uv.ts";
import { KnownHosts } from "./index/index-hosts.ts";
import { type PackageIndex, packageIndex } from "./index/package-index.ts";
import { defaultCacheDir, type UserEnvironment } from "./toolchain/user-environment.ts";
import { parseRequirements } from "./install/requirement.ts";
import type {
  EnvironmentOptions,
  EnvironmentRecord,
  EnvironmentRequest,
  Environments,
  InstallConfinement,
  PythonInterpreter,
  UvTool,
} from "./types.ts";
import { sweep } from "./install/sweep.ts";
import { uvEnvironment } from "./index/uv-environment.ts";

export interface CreateEnvironmentsOptions {
  /** Downloads, and uv when it had to be fetched. Default `$XDG_CACHE_HOME/skillwright`, else `~/.cache/skillwright`. */
  readonly cacheDir?: string;
  /** Absolute path of the interpreter to use; default: found. */
  readonly python?: string;
  /** Absolute path of uv; default: found, else fetched. */
  readonly uv?: string;
  /** Whether uv may be installed into the cache. Default true. */
  readonly allowUvInstall?: boolean;
  /** Absolute path of bubblewrap. Default: found on PATH and in the system's folders. */
  readonly bwrapPath?: string;
  /**
   * What confines uv. `auto`: bubblewrap, which leaves it only the package index as network; else Landlock; else nothing,
   * and the record says what is not enforced. Default `auto`.
   */
  readonly backend?: UvNeeds["backend"];
  /** Never asks the network: everything must be in the cache. Default false. */
  readonly offline?: boolean;
  /** Variables of the user who runs the host. Default those of this process. */
  readonly env?: UserEnvironment;
}

/** Finds Python and uv when they are needed, and builds environments with them. Does nothing by itself. */
export function createEnvironments(options: CreateEnvironmentsOptions = {}): Environments {
  return new LocalEnvironments(options);
}

class LocalEnvironments implements Environments {
  readonly #options: CreateEnvironmentsOptions;
  readonly #env: UserEnvironment;
  readonly #tools: string;
  readonly #room: string;
  readonly #known: KnownHosts;
  readonly #pythons = new Map<string, PythonInterpreter>();
  readonly #uvs = new Map<string, UvTool>();
  #index: PackageIndex | undefined;
  /** Who looks for uv waits for who did before, so that it is fetched once. */
  #line: Promise<unknown> = Promise.resolve();

  constructor(options: CreateEnvironmentsOptions) {
    this.#options = options;
    this.#env = options.env ?? process.env;
    const cache = options.cacheDir ?? defaultCacheDir(this.#env);
    this.#tools = join(cache, "uv");
    this.#room = join(cache, "install");
    this.#known = new KnownHosts(join(cache, "index-hosts.json"));
  }

  python(requires?: string): Promise<PythonInterpreter> {
    return this.#python(requires, undefined);
  }

  uv(options: EnvironmentOptions = {}): Promise<UvTool> {
    return this.#uv(undefined, options);
  }

  async findUv(): Promise<UvTool | undefined> {
    return await this.#find(undefined, undefined);
  }

  async confinement(): Promise<InstallConfinement | undefined> {
    const uv = await this.findUv();
    if (uv === undefined) return undefined;
    const needs = await this.#needs(await this.python(), uv, [], undefined);
    const confined = await openUv({ ...needs, offline: true });
    await confined.close();
    const { by, unenforced } = confined;
    return { by, ...(unenforced === undefined ? {} : { unenforced }) };
  }

  async build(
    stage: string,
    request: EnvironmentRequest,
    options: EnvironmentOptions = {},
  ): Promise<EnvironmentRecord> {
    const requirements = parseRequirements(request.dependencies);
    const python = await this.#python(request.requires_python, options.signal);
    if (requirements.length === 0) return withoutDependencies(python);
    const uv = await this.#uv(request.min_uv_version, options);
    const names = requirements.map(({ name }) => name);
    const needs = await this.#needs(python, uv, names, options.signal, options.offline);
    const attempt = async (): Promise<EnvironmentRecord> => {
      const confined = await openUv(needs);
      try {
        const { room } = needs;
        const { isolation, pins } = request;
        const plan = {
          requirements,
          isolation,
          python,
          uv,
          room,
          confined,
          ...(pins === undefined ? {} : { pins }),
        };
        return await buildEnvironment(stage, plan, options);
      } finally {
        await confined.close();
      }
    };
    return await attempt().catch(async (error: unknown) => {
      const unreachable = SkillError.isInstance(error) && error.code === "index_unreachable";
      if (!unreachable || !await learnAgain(needs)) throw error;
      options.onLog?.("the package index keeps files on other hosts than it did: trying again");
      return await attempt();
    });
  }

  /** All that uv needs to be started, and the folders for it. */
  async #needs(
    python: PythonInterpreter,
    uv: UvTool,
    names: readonly string[],
    signal: AbortSignal | undefined,
    asked = false,
  ): Promise<UvNeeds> {
    await mkdir(join(this.#room, "cache"), { recursive: true, mode: 0o700 });
    // A sandbox is given real places, not links to them.
    const room = await realpath(this.#room);
    const scratch = join(room, "..", "scratch");
    await sweep(scratch);
    const index = this.#index ??= await packageIndex(python, this.#env);
    const { backend = "auto", bwrapPath: bwrap } = this.#options;
    const offline = asked || this.#options.offline === true;
    const env = uvEnvironment({ index, cache: join(room, "cache"), home: room, offline });
    const { files } = index;
    return {
      python,
      uv,
      room,
      scratch,
      files,
      env,
      offline,
      backend,
      bwrap,
      known: this.#known,
      names,
      signal,
    };
  }

  async #python(requires: string | undefined, signal: AbortSignal | undefined): Promise<PythonInterpreter> {
    const known = this.#pythons.get(requires ?? "");
    if (known !== undefined) return known;
    const found = await findPython({ setting: this.#options.python, env: this.#env, requires, signal });
    this.#pythons.set(requires ?? "", found);
    return found;
  }

  async #find(atLeast: string | undefined, signal: AbortSignal | undefined): Promise<UvTool | undefined> {
    const needed = neededUv(atLeast);
    const known = this.#uvs.get(needed);
    if (known !== undefined) return known;
    const found = await findUv({
      setting: this.#options.uv,
      env: this.#env,
      tools: this.#tools,
      atLeast,
      signal,
    });
    if (found !== undefined) this.#uvs.set(needed, found);
    return found;
  }

  #uv(atLeast: string | undefined, options: EnvironmentOptions): Promise<UvTool> {
    const turn = this.#line.then(() => this.#findOrFetch(atLeast, options));
    this.#line = turn.catch(() => {});
    // Standing in line must not hold a caller.
    return untilCancelled(turn, options.signal, "looking for uv");
  }

  async #findOrFetch(
    atLeast: string | undefined,
    { signal, onLog, offline: asked }: EnvironmentOptions,
  ): Promise<UvTool> {
    const found = await this.#find(atLeast, signal);
    if (found !== undefined) return found;
    const needed = neededUv(atLeast);
    const { allowUvInstall = true } = this.#options;
    const offline = asked === true || this.#options.offline === true;
    if (!allowUvInstall || offline) {
      const why = allowUvInstall ? "the network is switched off" : "installing it is not allowed";
      throw new SkillError("uv_unavailable", `uv ${needed} or newer was not found, and ${why}`, {
        fix: "install uv (https://docs.astral.sh/uv), or allow it to be installed into the cache",
        details: { needed },
      });
    }
    onLog?.(`installing uv into "${this.#tools}"`);
    const python = await this.#python(undefined, signal);
    const fetched = await fetchUv({ python, tools: this.#tools, env: this.#env, atLeast, signal });
    this.#uvs.set(needed, fetched);
    return fetched;
  }
}

function withoutDependencies(python: PythonInterpreter): EnvironmentRecord {
  return {
    interpreter: python.path,
    python_version: python.version,
    site: [],
    roots: python.roots,
    pins: "",
    digest: null,
    uv_version: null,
  };
}
