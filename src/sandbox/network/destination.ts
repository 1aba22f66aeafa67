import { isIP } from "node:net";
import { isLoopback, isPublicAddress } from "./addresses.ts";
import type { HostList, Target } from "./hosts.ts";
import { Refusal } from "./refusal.ts";

/** All addresses of a name. */
export type Lookup = (name: string) => Promise<readonly string[]>;

/**
 * The addresses that may be connected to for a target. They are used as they are: asking the resolver again could give
 * others. What `own` names may lead anywhere.
 *
 * @throws {Refusal} 403 when the list does not have it, or it leads to this machine or a private network; 502
 */
export async function resolveTarget(
  target: Target,
  list: HostList,
  lookup: Lookup,
  own?: HostList,
): Promise<readonly string[]> {
  const { host, port } = target;
  requireListed(target, list);
  const found = isIP(host) === 0 ? await lookup(host).catch(() => []) : [host];
  if (found.length === 0) throw new Refusal(502, `${host} has no address`);
  const allowed = found.filter((address) =>
    own?.names(target) === true || isPublicAddress(address) || list.names({ host: address, port }) ||
    (host === "localhost" && isLoopback(address) && list.names(target))
  );
  if (allowed.length > 0) return allowed;
  throw new Refusal(403, `${host} is no public address, network_access must name address and port`);
}

/** @throws {Refusal} 403 when the list does not have it */
export function requireListed({ host, port }: Target, list: HostList): void {
  if (!list.permits({ host, port })) throw new Refusal(403, `${host}:${port} is not in network_access`);
}
