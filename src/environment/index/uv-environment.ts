import type { PackageIndex } from "./package-index.ts";

export interface UvEnvironmentOptions {
  readonly index: PackageIndex;
  /** uv's own cache. */
  readonly cache: string;
  /** A folder that uv may take for the home: without settings or credentials of the user. */
  readonly home: string;
  readonly offline: boolean;
}

/**
 * uv's environment, made from nothing: of the many variables that change what it resolves or where it writes, only
 * the user's index gets through.
 */
export function uvEnvironment(
  { index, cache, home, offline }: UvEnvironmentOptions,
): Readonly<Record<string, string>> {
  return {
    ...index.variables,
    PATH: "/usr/bin:/bin",
    HOME: home,
    LANG: "C.UTF-8",
    NO_COLOR: "1",
    UV_CACHE_DIR: cache,
    UV_NO_CONFIG: "1",
    UV_NO_ENV_FILE: "1",
    UV_NO_BUILD: "1",
    UV_NO_PROGRESS: "1",
    UV_NO_MANAGED_PYTHON: "1",
    UV_PYTHON_DOWNLOADS: "never",
    UV_KEYRING_PROVIDER: "disabled",
    // a refused proxy is otherwise asked for ten seconds
    UV_HTTP_RETRIES: "1",
    ...(offline ? { UV_OFFLINE: "1" } : {}),
  };
}
