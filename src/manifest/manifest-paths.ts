import { isIPv4 } from "node:net";

/**
 * Why a path of `security.permissions` can't be meant; undefined when it may be asked for. What a skill is then granted
 * is the host's decision.
 */
export function permissionPathProblem(path: string): string | undefined {
  if (path.includes("\0")) return "it holds a NUL byte";
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  if (path.startsWith("/") && parts.length === 0) return "the whole file system can't be asked for";
  if (/^~|\$\{?[A-Za-z_]|%[A-Za-z_]+%/.test(path)) return "home directories and variables are not expanded";
  if (path.includes("\\")) return "paths are written with /";
  if (parts.includes("..")) return '".." is not accepted';
  if (/[*?[\]{}]/.test(path)) return "wildcards are not accepted; name the folder";
  if (path.startsWith("/") || path.startsWith("./") || path === ".") return undefined;
  return "it is neither below the package (./…) nor absolute";
}

/** Why a file name can't be an entry file: it must be a `.py` below the package, written plainly. */
export function entryPathProblem(path: string): string | undefined {
  if (/[\0\\]/.test(path)) return "it holds a character that is not accepted";
  if (path.startsWith("/") || /^[A-Za-z]:/.test(path)) return "it must be relative to the package";
  if (path.split("/").some((part) => part === "" || part === "." || part === "..")) {
    return 'it must be written without ".", ".." and empty parts';
  }
  return path.endsWith(".py") && !path.endsWith("/.py") && path !== ".py" ? undefined : "it must end in .py";
}

/**
 * Whether a host is an address, but not in its plain form: resolvers read `127.1`, `2130706433` and `0x7f.1` as
 * addresses, a list would not.
 */
export function isOddAddress(host: string): boolean {
  return /(?:^|\.)(?:\d+|0x[0-9a-f]*)$/i.test(host) && !isIPv4(host);
}

/** Why an entry of `network_access` is none: only `host` or `host:port`. */
export function hostProblem(host: string): string | undefined {
  if (/^[a-z]+:\/\//i.test(host) || host.includes("/")) {
    return "write the host alone, without https:// and path";
  }
  if (host.includes("*")) return "wildcards are not accepted; list the hosts";
  const match = /^(\[[0-9a-fA-F:.]{2,45}\]|[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?)(?::(\d{1,5}))?$/
    .exec(host);
  if (match === null || host.includes("..")) {
    return 'it is not a host like "api.example.org" or "api.example.org:443"';
  }
  if (isOddAddress(match[1] ?? "")) return 'an address is written plainly, like "192.0.2.1"';
  const port = match[2] === undefined ? 443 : Number(match[2]);
  return port >= 1 && port <= 65_535 ? undefined : "the port must lie between 1 and 65535";
}
