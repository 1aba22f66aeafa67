import type { Permissions } from "./types.ts";

/** Whether anything at all may be reached: an empty list of hosts allows none. */
export function reachesNetwork(access: Permissions["network_access"]): boolean {
  return typeof access === "boolean" ? access : access.length > 0;
}
