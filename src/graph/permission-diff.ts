import type { Permissions } from "../manifest/types.ts";

/** Each permission in words, one a line: what a person reads before approving. Empty: nothing is asked for. */
export function describePermissions(permissions: Permissions): readonly string[] {
  const { network_access: network } = permissions;
  return [
    ...(network === true ? ["network: everything"] : []),
    ...(Array.isArray(network) ? network.map((host: string) => `network: ${host}`) : []),
    ...permissions.file_read.map((path) => `read: ${path}`),
    ...permissions.file_write.map((path) => `write: ${path}`),
    ...(permissions.process_spawn ? ["start processes"] : []),
  ];
}

/**
 * What `asked` has and `allowed` has not, in words. A path is allowed below an allowed path, a host when it is
 * listed or everything is.
 */
export function permissionsBeyond(asked: Permissions, allowed: Permissions): readonly string[] {
  const beyond: string[] = [];
  if (asked.network_access === true && allowed.network_access !== true) beyond.push("network: everything");
  if (Array.isArray(asked.network_access)) {
    for (const host of asked.network_access as readonly string[]) {
      if (!hostAllowed(host, allowed.network_access)) beyond.push(`network: ${host}`);
    }
  }
  for (const path of asked.file_read) if (!pathAllowed(path, allowed.file_read)) beyond.push(`read: ${path}`);
  for (const path of asked.file_write) {
    if (!pathAllowed(path, allowed.file_write)) beyond.push(`write: ${path}`);
  }
  if (asked.process_spawn && !allowed.process_spawn) beyond.push("start processes");
  return beyond;
}

/** Whether the permissions let a skill do no more than compute: it may be tried without asking anybody. */
export function isHarmless(permissions: Permissions): boolean {
  return permissions.network_access === false && permissions.file_write.every(isOwn) &&
    permissions.file_read.every(isOwn) && !permissions.process_spawn;
}

function hostAllowed(host: string, allowed: Permissions["network_access"]): boolean {
  if (allowed === true) return true;
  if (allowed === false) return false;
  return allowed.includes(host) || allowed.includes(host.replace(/:\d+$/, ""));
}

function pathAllowed(path: string, allowed: readonly string[]): boolean {
  if (isOwn(path)) return true;
  const parts = path.split("/");
  if (parts.includes("..")) return false;
  return allowed.some((root) => path === root || path.startsWith(root.endsWith("/") ? root : `${root}/`));
}

/** Below the package or the scratch folder: what every skill may do anyway. */
function isOwn(path: string): boolean {
  return (path.startsWith("./") || path === "/tmp" || path.startsWith("/tmp/")) &&
    !path.split("/").includes("..");
}
