import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { readFile } from "node:fs/promises";
import * as z from "zod";
import { writeFileAtomic } from "../../base/atomic-file.ts";
import { isLoopback, isPublicAddress } from "../../sandbox/network/addresses.ts";

/** Where uv may connect to. Entries are `host:port`. */
export interface IndexHosts {
  readonly allow: readonly string[];
  /** Those that the user named, which may lie in a private network. */
  readonly own: readonly string[];
}

/** No network. */
export const NO_HOSTS: IndexHosts = { allow: [], own: [] };

const MAX_LINKED = 32;
const MAX_KNOWN = 64;
const SHAPE = z.object({
  /** What uv asks when nothing else is set, by its version. */
  defaults: z.record(z.string(), z.string()),
  /** To which hosts the pages of an index link, by its address without credentials. */
  linked: z.record(z.string(), z.array(z.string())),
});

/** Which hosts belong to package indexes, as far as they were asked for before: a file of the cache. */
export class KnownHosts {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  async defaultIndex(uvVersion: string): Promise<string | undefined> {
    return (await this.#read()).defaults[uvVersion];
  }

  async rememberDefault(uvVersion: string, url: string): Promise<void> {
    const { defaults, linked } = await this.#read();
    await this.#write({ defaults: { ...defaults, [uvVersion]: url }, linked });
  }

  /** The hosts that an index links to; undefined when it was never asked. */
  async linkedFrom(index: string): Promise<readonly string[] | undefined> {
    return (await this.#read()).linked[withoutCredentials(index)];
  }

  /** Adds hosts to those of an index. */
  async rememberLinks(index: string, hosts: readonly string[]): Promise<void> {
    const { defaults, linked } = await this.#read();
    const key = withoutCredentials(index);
    const merged = [...new Set([...linked[key] ?? [], ...hosts])].slice(-MAX_LINKED);
    const others = Object.entries(linked).filter(([name]) => name !== key).slice(1 - MAX_KNOWN);
    await this.#write({ defaults, linked: { ...Object.fromEntries(others), [key]: merged } });
  }

  /** What cannot be read is as if it were not there: it is asked for again. */
  async #read(): Promise<z.infer<typeof SHAPE>> {
    try {
      return SHAPE.parse(JSON.parse(await readFile(this.#path, "utf8")));
    } catch {
      return { defaults: {}, linked: {} };
    }
  }

  async #write(known: z.infer<typeof SHAPE>): Promise<void> {
    await writeFileAtomic(this.#path, `${JSON.stringify(known, null, 2)}\n`);
  }
}

/** The addresses of what uv's variables name: indexes first, then pages of links. Files and folders are left out. */
export function indexAddresses(
  variables: Readonly<Record<string, string>>,
): { readonly indexes: readonly string[]; readonly pages: readonly string[] } {
  const list = (name: string, separator: RegExp): readonly string[] =>
    (variables[name] ?? "").split(separator).flatMap((entry) => {
      const url = plainAddress(entry, variables);
      return authorityOf(url) === undefined ? [] : [url];
    });
  if (variables["UV_NO_INDEX"] !== undefined) return { indexes: [], pages: list("UV_FIND_LINKS", /,/) };
  return {
    indexes: [...list("UV_DEFAULT_INDEX", /\s+/), ...list("UV_INDEX", /\s+/)],
    pages: list("UV_FIND_LINKS", /,/),
  };
}

/**
 * The hosts of these addresses and those that their pages link to. A page must not lead deeper into the user's network
 * than it lies itself: one on the public internet leads to public addresses, and only one on this machine leads to it.
 */
export async function indexHosts(
  addresses: readonly string[],
  linked: readonly string[],
  lookUp: (host: string) => Promise<readonly string[]> = systemLookUp,
): Promise<IndexHosts> {
  const depth = async (authority: string): Promise<number> => {
    const host = authority.replace(/:\d+$/, "").replace(/^\[|\]$/g, "");
    const found = isIP(host) === 0 ? await lookUp(host).catch(() => []) : [host];
    return Math.max(0, ...found.map((address) => isLoopback(address) ? 2 : isPublicAddress(address) ? 0 : 1));
  };
  const own = [...new Set(addresses.flatMap((url) => authorityOf(url) ?? []))];
  const deepest = linked.length === 0 ? 0 : Math.max(0, ...await Promise.all(own.map(depth)));
  const allow = [...own];
  for (const entry of new Set(linked)) {
    const found = await depth(entry);
    if (found > deepest) continue;
    allow.push(entry);
    if (found > 0) own.push(entry);
  }
  return { allow: [...new Set(allow)], own: [...new Set(own)] };
}

async function systemLookUp(host: string): Promise<readonly string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

/** `host:port` of an address; undefined when it is none of the web. */
export function authorityOf(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined;
  const { protocol, hostname, port } = new URL(url);
  const usual = { "https:": "443", "http:": "80" }[protocol];
  return usual === undefined || hostname === "" ? undefined : `${hostname}:${port === "" ? usual : port}`;
}

/** uv names an index by `name=url`, and takes its credentials from variables with that name. */
function plainAddress(entry: string, variables: Readonly<Record<string, string>>): string {
  const [, name, url = entry] = /^([A-Za-z0-9._-]+)=(.*)$/.exec(entry) ?? [];
  if (name === undefined || !URL.canParse(url)) return url;
  const prefix = `UV_INDEX_${name.toUpperCase().replaceAll(/[^A-Z0-9]/g, "_")}`;
  const parsed = new URL(url);
  parsed.username ||= encodeURIComponent(variables[`${prefix}_USERNAME`] ?? "");
  parsed.password ||= encodeURIComponent(variables[`${prefix}_PASSWORD`] ?? "");
  return parsed.href;
}

function withoutCredentials(url: string): string {
  const parsed = new URL(url);
  [parsed.username, parsed.password] = ["", ""];
  return parsed.href;
}
