import { join } from "node:path";
import type { Slot } from "../types.ts";

/** Where everything of a home is. Pure: nothing is looked at or made. */
export interface HomeLayout {
  readonly dir: string;
  readonly config: string;
  readonly state: string;
  readonly db: string;
  readonly history: string;
  readonly registry: string;
  readonly staging: string;
  /** Package source, as installed or as being written. */
  package(id: string): string;
  /** The entry script that a person reads or runs by hand. */
  script(id: string): string;
  disabledScript(id: string): string;
  snapshots(id: string): string;
  snapshot(id: string, digest: string): string;
  /** The sealed secrets of the home, as a file. */
  readonly homeSecrets: string;
  /** Those of a skill. */
  secrets(id: string): string;
  /** The environment that a skill's setup left. */
  skillEnv(id: string): string;
  /** A folder in which a skill keeps what outlives its runs. */
  data(id: string, folder: string): string;
  staged(key: string): StagedLayout;
  /** Has a folder for each skill that was installed. */
  readonly runtimes: string;
  runtime(id: string): string;
  /** Marker with the version that serves. */
  activeVersion(id: string): string;
  previousVersion(id: string): string;
  build(id: string, build: string): string;
  version(id: string, version: string): VersionLayout;
}

/** Folders of one staged package. */
export interface StagedLayout {
  readonly dir: string;
  /** The package's files. */
  readonly source: string;
  /** The finished build; there as a whole or not at all. */
  readonly build: string;
}

/** Folders of one version of a skill. */
export interface VersionLayout {
  readonly dir: string;
  readonly active: string;
  readonly previous: string;
  readonly meta: string;
  slot(slot: Slot): string;
}

/** Files inside a build folder. */
export const BUILD_PARTS = ["src", "env", "venv", "node_modules", "bin", "resolved.manifest.json"] as const;

/** Folders that belong to a slot and not to the build it points at. */
export const SLOT_OWN = ["cache", "logs", "tmp"] as const;

/** All slots of a version. */
export const SLOTS: readonly Slot[] = ["A", "B"];

/** The layout of the home at `dir`. */
export function homeLayout(dir: string): HomeLayout {
  const state = join(dir, ".state");
  const staging = join(state, "staging");
  const runtimes = join(dir, ".runtime");
  const runtime = (id: string): string => join(runtimes, id);
  return {
    dir,
    config: join(dir, "config.toml"),
    state,
    db: join(state, "home.db"),
    history: join(state, "history.db"),
    registry: join(state, "python_registry.json"),
    staging,
    package: (id) => join(dir, id),
    script: (id) => join(dir, `${id}.py`),
    disabledScript: (id) => join(state, "disabled", `${id}.py`),
    snapshots: (id) => join(state, "snapshots", id),
    snapshot: (id, digest) => join(state, "snapshots", id, digest),
    homeSecrets: join(state, "secrets.json"),
    secrets: (id) => join(runtime(id), "data", "files", "secrets.json"),
    skillEnv: (id) => join(runtime(id), "data", "files", ".skill_env.json"),
    data: (id, folder) => join(runtime(id), "data", "db", folder),
    staged: (key) => ({
      dir: join(staging, key),
      source: join(staging, key, "src"),
      build: join(staging, key, "build"),
    }),
    runtimes,
    runtime,
    activeVersion: (id) => join(runtime(id), "active"),
    previousVersion: (id) => join(runtime(id), "previous"),
    build: (id, build) => join(runtime(id), "builds", build),
    version: (id, version) => versionLayout(join(runtime(id), version)),
  };
}

function versionLayout(dir: string): VersionLayout {
  return {
    dir,
    active: join(dir, "active"),
    previous: join(dir, "previous"),
    meta: join(dir, "meta.json"),
    slot: (slot) => join(dir, "slots", slot),
  };
}
