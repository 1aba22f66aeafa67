import { access, constants, realpath, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, isAbsolute, join } from "node:path";

/** Variables of the user who runs the host. */
export type UserEnvironment = Readonly<Record<string, string | undefined>>;

/** The absolute folders of PATH, in order, without repetition. */
export function pathFolders(env: UserEnvironment): readonly string[] {
  return [...new Set((env["PATH"] ?? "").split(delimiter).filter((folder) => isAbsolute(folder)))];
}

/** The user's home folder. */
export function homeFolder(env: UserEnvironment): string {
  return env["HOME"] || homedir();
}

/** Where settings of programs are kept: `$XDG_CONFIG_HOME`, else `~/.config`. */
export function configFolder(env: UserEnvironment): string {
  const set = env["XDG_CONFIG_HOME"];
  return set !== undefined && isAbsolute(set) ? set : join(homeFolder(env), ".config");
}

/** Where what can be made again is kept: `$XDG_CACHE_HOME/skillwright`, else `~/.cache/skillwright`. */
export function defaultCacheDir(env: UserEnvironment): string {
  const set = env["XDG_CACHE_HOME"];
  const caches = set !== undefined && isAbsolute(set) ? set : join(homeFolder(env), ".cache");
  return join(caches, "skillwright");
}

/** The real path of a file that may be executed, or undefined. */
export async function executable(path: string): Promise<string | undefined> {
  try {
    await access(path, constants.X_OK);
    const real = await realpath(path);
    return (await stat(real)).isFile() ? real : undefined;
  } catch {
    return undefined;
  }
}

/** Variables that say how to get out: proxies, certificates, credentials by host. */
export const NETWORK_VARIABLES: readonly string[] = (
  "HTTPS_PROXY HTTP_PROXY ALL_PROXY NO_PROXY https_proxy http_proxy all_proxy no_proxy " +
  "SSL_CERT_FILE SSL_CERT_DIR NETRC"
).split(" ");

/** Those of the named variables that are set to something. */
export function pickVariables(
  env: UserEnvironment,
  names: readonly string[],
): Readonly<Record<string, string>> {
  return Object.fromEntries(names.flatMap((name) => {
    const value = env[name];
    return value ? [[name, value] as const] : [];
  }));
}
