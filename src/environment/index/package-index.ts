import { realpath } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import { homeFolder, NETWORK_VARIABLES, type UserEnvironment } from "../toolchain/user-environment.ts";
import type { PythonInterpreter } from "../types.ts";
import { pipSettings } from "./pip-settings.ts";
import { uvSettings } from "./uv-settings.ts";

/** Where packages come from, and how to get there: as the user configured it for uv, else for pip. */
export interface PackageIndex {
  /** For uv's environment; holds credentials, so it never goes to a command line or a log. */
  readonly variables: Readonly<Record<string, string>>;
  /** Real paths of files and folders that uv must be able to read for it. */
  readonly files: readonly string[];
}

const PASSED = [...NETWORK_VARIABLES, "SSL_CLIENT_CERT", "UV_SYSTEM_CERTS", "UV_HTTP_TIMEOUT"];
const CREDENTIALS = /^UV_INDEX_[A-Z0-9_]+_(USERNAME|PASSWORD)$/;

/**
 * Translates the user's settings for uv: index and find-links from uv's own variables or files, else from pip's;
 * certificate and proxy from pip where no variable says more. uv never reads pip's settings itself.
 *
 * @throws {SkillError} `environment_failed` when a settings file cannot be read
 */
export async function packageIndex(python: PythonInterpreter, env: UserEnvironment): Promise<PackageIndex> {
  const uv = await uvSettings(env);
  const pip = await pipSettings(python, env);
  const links = await reachable(uv?.findLinks ?? pip.findLinks);
  const netrc = env["NETRC"] || join(homeFolder(env), ".netrc");
  const passed = Object.entries(env).filter(([name]) => PASSED.includes(name) || CREDENTIALS.test(name));
  // uv takes an empty variable for a value and fails
  const variables = nonEmpty({
    SSL_CERT_FILE: pip.cert,
    HTTPS_PROXY: pip.proxy,
    HTTP_PROXY: pip.proxy,
    NETRC: await real(netrc),
    ...nonEmpty(Object.fromEntries(passed)),
    UV_DEFAULT_INDEX: uv === undefined ? pip.indexUrl : uv.defaultIndex,
    UV_INDEX: (uv?.indexes ?? pip.extraIndexUrls).join(" "),
    UV_FIND_LINKS: links.join(","),
    UV_NO_INDEX: uv?.noIndex ?? pip.noIndex ? "1" : undefined,
  });
  const files: string[] = [...links];
  for (const name of ["SSL_CERT_FILE", "SSL_CERT_DIR", "SSL_CLIENT_CERT", "NETRC"]) {
    const path = await real(variables[name] ?? "");
    if (path !== undefined) files.push(variables[name] = path);
  }
  return { variables, files: files.filter((path) => isAbsolute(path)) };
}

/** URLs, and the real paths of folders that exist: pip warns about others, uv stops. */
async function reachable(links: readonly string[]): Promise<readonly string[]> {
  const found: string[] = [];
  for (const link of links) {
    const place = /^[a-z]+:\/\//i.test(link) ? link : await real(link);
    if (place !== undefined) found.push(place);
  }
  return found;
}

/** Where a path leads: a sandbox is given that place and not the link to it. Undefined when it is not there. */
async function real(path: string): Promise<string | undefined> {
  return isAbsolute(path) ? await realpath(path).catch(() => undefined) : undefined;
}

function nonEmpty(values: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).filter((entry): entry is [string, string] => !!entry[1]));
}
