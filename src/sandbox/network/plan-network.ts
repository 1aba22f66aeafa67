import { reachesNetwork } from "../../manifest/network-access.ts";
import { existsSync } from "node:fs";
import type { ProxyPlan, SandboxPolicy, SandboxProgram } from "../types.ts";

/** Where a confined program finds its way out: a port that the bootstrap's relay listens on. */
const RELAY_PORT = 3128;
/** Where the folder with the proxy's socket appears inside. */
const INSIDE = "/run/skillwright";

/** What a program with network gets besides; all of it data. */
export interface NetworkPlan {
  readonly proxy: ProxyPlan;
  /** Host folder that holds the socket, and where it is mounted. */
  readonly mount: readonly [outside: string, inside: string];
  /** What the bootstrap's relay has to know. */
  readonly relay: { readonly port: number; readonly socket: string };
  readonly env: Readonly<Record<string, string>>;
  /** Certificates of the system's authorities. */
  readonly read: readonly string[];
}

/** Whether a policy grants no network. An empty list grants none. */
export function isOffline({ network }: Pick<SandboxPolicy, "network">): boolean {
  return !reachesNetwork(network);
}

/** The network of a program: the only way out is its own proxy in the host. Undefined when it has none. */
export function planNetwork(policy: SandboxPolicy, program: SandboxProgram): NetworkPlan | undefined {
  if (policy.network === false || isOffline(policy)) return undefined;
  const folder = `${program.scratch}/.proxy`;
  const url = `http://127.0.0.1:${RELAY_PORT}`;
  const names = ["http_proxy", "https_proxy", "all_proxy"].flatMap((name) => [name, name.toUpperCase()]);
  return {
    proxy: { socket: `${folder}/socket`, allow: policy.network },
    mount: [folder, INSIDE],
    relay: { port: RELAY_PORT, socket: `${INSIDE}/socket` },
    env: Object.fromEntries(names.map((name) => [name, url])),
    read: CERTIFICATES.filter((path) => existsSync(path)),
  };
}

/** Where distributions keep them; no private keys are there. */
const CERTIFICATES = [
  "/etc/ssl/certs",
  "/etc/ssl/cert.pem",
  "/etc/ssl/openssl.cnf",
  "/etc/pki/tls/certs",
  "/etc/pki/ca-trust/extracted",
  "/etc/ca-certificates/extracted",
];
