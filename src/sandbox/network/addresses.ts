import { BlockList, isIPv4 } from "node:net";
import { networkInterfaces } from "node:os";

/** Networks of IPv4 that are not the public internet, by IANA's registry of special-purpose addresses. */
const NOT_PUBLIC: readonly (readonly [network: string, prefix: number])[] = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
];

/** Parts of the public IPv6 space that carry an IPv4 address inside, or are for documents. */
const NOT_PUBLIC_6: readonly (readonly [network: string, prefix: number])[] = [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
];

/**
 * Whether an address belongs to the public internet and not to this machine. Loopback, link-local, private networks,
 * metadata services and IPv4 addresses wrapped in IPv6 do not.
 */
export function isPublicAddress(address: string): boolean {
  if (ownAddresses().has(address)) return false;
  if (isIPv4(address)) return !listOf("ipv4", NOT_PUBLIC).check(address, "ipv4");
  return listOf("ipv6", [["2000::", 3]]).check(address, "ipv6") &&
    !listOf("ipv6", NOT_PUBLIC_6).check(address, "ipv6");
}

/** Whether an address leads back to the machine itself. */
export function isLoopback(address: string): boolean {
  return address === "::1" || (isIPv4(address) && address.startsWith("127."));
}

function ownAddresses(): Set<string> {
  return new Set(
    Object.values(networkInterfaces()).flatMap((list = []) => list.map(({ address }) => address)),
  );
}

function listOf(
  family: "ipv4" | "ipv6",
  networks: readonly (readonly [network: string, prefix: number])[],
): BlockList {
  const list = new BlockList();
  for (const [network, prefix] of networks) list.addSubnet(network, prefix, family);
  return list;
}
