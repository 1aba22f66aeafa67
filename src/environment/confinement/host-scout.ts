import { join } from "node:path";
import * as z from "zod";
import { pythonFiles } from "../../sandbox/files/python-files.ts";
import { indexAddresses, type IndexHosts, indexHosts, NO_HOSTS } from "../index/index-hosts.ts";
import type { ConfinedUv, UvNeeds } from "./uv-confinement.ts";

const ASK_MS = 60_000;
const MAX_PAGES = 20;
const ANSWER = z.object({ hosts: z.array(z.string()), failures: z.array(z.string()) });

/**
 * Finds out which hosts an installation needs, without knowing any: those of the indexes that are set, else that which
 * uv names when nothing is set, and those that their pages link to. What was learnt is remembered. Every question
 * is asked from inside a sandbox that reaches no more than is known so far.
 */
export class HostScout {
  readonly #needs: UvNeeds;
  readonly #open: (hosts: IndexHosts) => Promise<ConfinedUv>;

  constructor(needs: UvNeeds, open: (hosts: IndexHosts) => Promise<ConfinedUv>) {
    this.#needs = needs;
    this.#open = open;
  }

  /** The hosts, from memory as far as they were asked for before. */
  async hosts(): Promise<IndexHosts> {
    const addresses = await this.#addresses();
    const linked: string[] = [];
    for (const address of addresses) {
      linked.push(...await this.#needs.known.linkedFrom(address) ?? await this.#ask(address, addresses));
    }
    return await indexHosts(addresses, linked);
  }

  /** Asks all indexes again. Answers whether one of them links to a host that was not known. */
  async look(): Promise<boolean> {
    const addresses = await this.#addresses();
    let news = false;
    for (const address of addresses) {
      const before = await this.#needs.known.linkedFrom(address) ?? [];
      const now = await this.#ask(address, addresses);
      news ||= now.some((host) => !before.includes(host));
    }
    return news;
  }

  async #addresses(): Promise<readonly string[]> {
    const { env } = this.#needs;
    const { indexes, pages } = indexAddresses(env);
    const isSet = env["UV_DEFAULT_INDEX"] !== undefined || env["UV_NO_INDEX"] !== undefined;
    return [...isSet ? [] : await this.#defaultIndex(), ...indexes, ...pages];
  }

  /** What uv asks when nothing is set, in its own words. */
  async #defaultIndex(): Promise<readonly string[]> {
    const { uv, known, python, room } = this.#needs;
    const before = await known.defaultIndex(uv.version);
    if (before !== undefined) return [before];
    const args = ["pip", "compile", "--offline", "--no-header", "--emit-index-url", "--python", python.path];
    const { stderr } = await this.#use(NO_HOSTS, (one) => one.run([...args, "/dev/null"], room, ASK_MS));
    const url = /^--index-url (\S+)$/m.exec(stderr)?.[1];
    if (url === undefined || !URL.canParse(url)) return [];
    await known.rememberDefault(uv.version, url);
    return [url];
  }

  /** Reads an index's pages of the wanted packages, or a page of links itself. */
  async #ask(address: string, addresses: readonly string[]): Promise<readonly string[]> {
    const { names, python, room, env, known } = this.#needs;
    const folder = address.endsWith("/") ? address : `${address}/`;
    const isPage = indexAddresses(env).pages.includes(address);
    const pages = isPage ? [address] : names.slice(0, MAX_PAGES).map((name) => `${folder}${name}/`);
    const program = { program: python.path, env: { SKILLWRIGHT_PAGES: JSON.stringify(pages) } };
    const args = ["-I", "-S", join(pythonFiles().dir, "index_links.py")];
    const { stderr } = await this.#use(
      await indexHosts(addresses, []),
      (one) => one.run(args, room, ASK_MS, program),
    );
    const answer = readAnswer(stderr);
    if (answer === undefined) return [];
    if (answer.failures.length === 0) await known.rememberLinks(address, answer.hosts);
    return answer.hosts;
  }

  async #use<T>(hosts: IndexHosts, action: (one: ConfinedUv) => Promise<T>): Promise<T> {
    const one = await this.#open(hosts);
    try {
      return await action(one);
    } finally {
      await one.close();
    }
  }
}

function readAnswer(output: string): z.infer<typeof ANSWER> | undefined {
  try {
    return ANSWER.parse(JSON.parse(output.trim().split("\n").at(-1) ?? ""));
  } catch {
    return undefined;
  }
}
