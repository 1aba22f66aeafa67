import { isIPv6 } from "node:net";
import { isOddAddress } from "../../manifest/manifest-paths.ts";
import type { AllowedHosts } from "../types.ts";

/** A host, as a name or an address in its plain form, and a port. */
export interface Target {
  /** Lower case; IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
}

/** The ports of an entry that names none. */
const WEB_PORTS: readonly number[] = [80, 443];
const AUTHORITY = /^(\[[0-9a-f:.]{2,45}\]|[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)(?::(\d{1,5}))?$/;

/**
 * Reads `host`, `host:port` or `[address]:port`. Undefined for all else: user names, trailing dots, control characters,
 * and addresses in any but their plain form, which a resolver would understand and a list would not.
 */
export function parseAuthority(text: string): { readonly host: string; readonly port?: number } | undefined {
  const match = AUTHORITY.exec(text.toLowerCase());
  const host = plainHost(match?.[1] ?? "");
  if (host === undefined) return undefined;
  if (match?.[2] === undefined) return { host };
  const port = Number(match[2]);
  return port < 1 || port > 65_535 ? undefined : { host, port };
}

function plainHost(text: string): string | undefined {
  if (text.startsWith("[")) {
    const address = text.slice(1, -1);
    return isIPv6(address) ? plainIPv6(address) : undefined;
  }
  if (text === "" || text.includes("..") || isOddAddress(text)) return undefined;
  return text;
}

/** One address has one spelling. */
function plainIPv6(address: string): string {
  return new URL(`http://[${address}]/`).hostname.slice(1, -1);
}

/** A list of hosts, asked again and again. */
export class HostList {
  readonly #open: boolean;
  readonly #entries: readonly { readonly host: string; readonly port?: number }[];

  /** Entries that cannot be read allow nothing. */
  constructor(allow: AllowedHosts) {
    this.#open = allow === true;
    this.#entries = allow === true ? [] : allow.flatMap((entry) => parseAuthority(entry) ?? []);
  }

  /** Whether this host and port are on the list, exactly. */
  permits({ host, port }: Target): boolean {
    return this.#open ||
      this.#entries.some((entry) =>
        entry.host === host && (entry.port === undefined ? WEB_PORTS.includes(port) : entry.port === port)
      );
  }

  /** Whether the list names this host together with this port: what is needed for addresses that are not public. */
  names({ host, port }: Target): boolean {
    return this.#entries.some((entry) => entry.host === host && entry.port === port);
  }
}
