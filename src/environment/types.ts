/** An interpreter on this machine. */
export interface PythonInterpreter {
  /** Real absolute path (no shim, no link). */
  readonly path: string;
  readonly version: string;
  /** Directories that a program run by it must be able to read. */
  readonly roots: readonly string[];
}

export interface UvTool {
  /** Real absolute path of the program itself. */
  readonly path: string;
  readonly version: string;
  readonly source: "setting" | "path" | "home" | "cache";
}

/** What a skill asks of its environment, from its checked PEP 723 header and manifest. */
export interface EnvironmentRequest {
  readonly dependencies: readonly string[];
  /** Version specifiers as in PEP 440, joined by commas. */
  readonly requires_python?: string;
  readonly min_uv_version?: string;
  readonly isolation: "venv" | "shared";
  /** The very packages to install, as `pins` of a record; they must fulfil the dependencies. Default: they are resolved. */
  readonly pins?: string;
}

/** The record of a built environment. Paths are relative to the build folder, so that it can be renamed. */
export interface EnvironmentRecord {
  /** `venv/bin/python`, or absolute: the system interpreter of a skill without dependencies, or with shared isolation. */
  readonly interpreter: string;
  readonly python_version: string;
  /** site-packages folders, relative to the build folder. */
  readonly site: readonly string[];
  /** Absolute directories of the base interpreter. */
  readonly roots: readonly string[];
  /** `name==version` with hashes, as a requirements file; empty without dependencies. */
  readonly pins: string;
  /**
   * SHA-256 over the installed files (`digestTree` of `venv` or `env`), or null without dependencies. It holds for
   * these files: compiled bytecode carries times, so another build of the same pins has another digest.
   */
  readonly digest: string | null;
  /** `looksOf` the same folder: while it is the same, the files are, unless somebody hides a change. */
  readonly looks?: string;
  readonly uv_version: string | null;
  /** What was not enforced while uv installed it, and why; absent when everything was. */
  readonly install_unenforced?: string;
}

/** How an operation can be watched and ended. */
export interface EnvironmentOptions {
  readonly signal?: AbortSignal;
  /** Asks no network: everything must be in the cache. Default: as the environments were made. */
  readonly offline?: boolean;
  /** Gets what is being done, and what the tools print, line by line. */
  readonly onLog?: (line: string) => void;
}

/** How far uv is held while it installs. */
export interface InstallConfinement {
  readonly by: "bubblewrap" | "landlock" | "nothing";
  /** What is not enforced, and why; absent when everything is. */
  readonly unenforced?: string;
}

/** Finds tools and builds environments. */
export interface Environments {
  /**
   * The interpreter of a skill that asks for nothing, or for these versions: the one that its environment is made with.
   *
   * @param requires version specifiers as in PEP 440
   * @throws {SkillError} `python_unavailable`
   */
  python(requires?: string): Promise<PythonInterpreter>;
  /** Finds uv, installing it into the cache when that is allowed. @throws {SkillError} `uv_unavailable` */
  uv(options?: EnvironmentOptions): Promise<UvTool>;
  /** Finds uv without installing. @throws {SkillError} `uv_unavailable` when the one that was set cannot be used */
  findUv(): Promise<UvTool | undefined>;
  /** Starts uv as an installation would, without network. Undefined when there is no uv, which is not fetched for it. */
  confinement(): Promise<InstallConfinement | undefined>;
  /**
   * Locks and installs into `stage` (an existing folder, best on the cache's file system). On failure everything it
   * made is gone and the error says which requirement is to blame.
   */
  build(stage: string, request: EnvironmentRequest, options?: EnvironmentOptions): Promise<EnvironmentRecord>;
}
