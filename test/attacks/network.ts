import { randomUUID } from "node:crypto";
import { createSocket } from "node:dgram";
import { createServer } from "node:net";
import { networkInterfaces } from "node:os";
import type { Json } from "../../src/base/json.ts";
import { NetworkProxy } from "../../src/sandbox/network/proxy.ts";
import { resolveTarget } from "../../src/sandbox/network/destination.ts";
import { HostList, parseAuthority } from "../../src/sandbox/network/hosts.ts";
import { readManifest } from "../../src/manifest/manifest.ts";
import { WebServer } from "../sandbox/network/servers.ts";
import type { Attack, AttackPlace, Attempt, ProgramOverrides } from "./attack.ts";
import { call, fixture, type Outcome, succeeds, tryOne } from "./trial.ts";

type Use = (tool: string, input: Json) => Promise<Json>;

/** Calls functions of `fixtures/network.py` in the sandbox under test, or in none. */
function use(
  place: AttackPlace,
  overrides: ProgramOverrides = {},
): { readonly guarded: Use; readonly free: Use } {
  const program = place.program(fixture("network.py"), { mode: "daemon", ...overrides });
  const caller = (sandbox = place.sandbox): Use => {
    const runner = place.runner(sandbox);
    return async (tool, input) => (await call(runner, program, tool, input)).value;
  };
  return { guarded: caller(), free: caller(place.unguarded) };
}

/** What a guarded program sends: not a byte of it may arrive. */
const MARK = "guarded";
const SENDERS: ReadonlySet<string> = new Set(["direct", "datagram", "unix", "pair"]);

/** Servers of the host that keep what reaches them. */
class Listeners {
  heard = "";
  port = 0;
  readonly path: string;
  readonly abstract: string = `\0skillwright-attack-${randomUUID()}`;
  readonly #place: AttackPlace;

  private constructor(place: AttackPlace) {
    this.#place = place;
    this.path = `${place.folder("sockets")}/socket`;
  }

  static async open(place: AttackPlace): Promise<Listeners> {
    const listeners = new Listeners(place);
    listeners.port = await listeners.#listen({ host: "127.0.0.1", port: 0 });
    await listeners.#listen({ path: listeners.path });
    await listeners.#listen({ path: listeners.abstract });
    const datagrams = createSocket("udp4", (message) => listeners.heard += String(message));
    await new Promise<void>((resolve) => datagrams.bind(listeners.port, "127.0.0.1", resolve));
    place.defer(() => datagrams.close());
    return listeners;
  }

  #listen(address: object): Promise<number> {
    const server = createServer((socket) => {
      socket.on("error", () => {}).on("data", (chunk) => this.heard += String(chunk));
    });
    this.#place.defer(() => server.close());
    return new Promise((resolve, reject) => {
      server.once("error", reject).listen(address, () => {
        const bound = server.address();
        resolve(typeof bound === "object" && bound !== null ? bound.port : 0);
      });
    });
  }
}

/** One way out that must end with an error of the system, not a byte having arrived. */
async function wayOut(
  name: string,
  { guarded, free }: { readonly guarded: Use; readonly free: Use },
  listeners: Listeners,
  [tool, input]: readonly [string, Json],
  control: boolean | "not possible" = true,
): Promise<Attempt> {
  const controlled = control === true && await succeeds(() => free(tool, input));
  return await tryOne({
    name,
    expected: "denied",
    act: () => guarded(tool, SENDERS.has(tool) ? { ...(input as object), text: MARK } : input),
    right: ({ error }) =>
      error?.code === "tool_failed" && /PermissionError|OSError|NotPermitted/.test(error.message),
    escaped: (outcome) => outcome.error === undefined || listeners.heard.includes(MARK),
    control: control === true ? () => controlled : "not possible",
  });
}

const direct: Attack = {
  case: 43,
  name: "direct_tcp_udp_icmp_raw_netlink",
  expected: "denied",
  owner: "sandbox",
  where: "each backend",
  run: async (place) => {
    const ways = use(place), listeners = await Listeners.open(place), { port } = listeners;
    const raw = place.isRoot ? true : "not possible";
    return [
      await wayOut("tcp", ways, listeners, ["direct", { host: "127.0.0.1", port }]),
      await wayOut("udp", ways, listeners, ["datagram", { host: "127.0.0.1", port }]),
      await wayOut("dns", ways, listeners, ["datagram", { host: "192.0.2.1", port: 53 }], "not possible"),
      await wayOut("icmp", ways, listeners, ["ping", { kind: 3 }], raw),
      await wayOut("icmp by datagrams", ways, listeners, ["ping", { kind: 2 }], "not possible"),
      await wayOut("packets", ways, listeners, ["packets", {}], raw),
      await wayOut("netlink", ways, listeners, ["netlink", {}]),
    ];
  },
};

const abstractSocket: Attack = {
  case: 44,
  name: "abstract_unix_socket",
  expected: "denied",
  owner: "sandbox",
  where: "each backend",
  run: async (place) => {
    const listeners = await Listeners.open(place);
    const ways = use(place, { policy: { read: [place.folder("sockets")] } });
    return [
      await wayOut("abstract", ways, listeners, ["unix", { path: listeners.abstract }]),
      await wayOut("a path", ways, listeners, ["unix", { path: listeners.path }]),
      await wayOut("a pair", ways, listeners, ["pair", { path: listeners.path }], "not possible"),
    ];
  },
};

function textOf(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}

/** The status with which a proxy answered. */
function status({ value }: Outcome<Json>): number {
  return Number(/^HTTP\/1\.1 (\d{3}) /.exec(textOf(value))?.[1]);
}

/** Asks the proxy of a program for a tunnel. */
function connectTo(authority: string, path = "/"): readonly [string, Json] {
  return ["raw", {
    text: `CONNECT ${authority} HTTP/1.1\r\n\r\nGET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
  }];
}

/** An address of this machine that others could reach, if it has one. */
function ownAddress(): string | undefined {
  const all = Object.values(networkInterfaces()).flatMap((list = []) => list);
  return all.find(({ family, internal }) => family === "IPv4" && !internal)?.address;
}

const METADATA = ["169.254.169.254", "[fd00:ec2::254]", "100.100.100.200"];

const metadata: Attack = {
  case: 45,
  name: "cloud_metadata_169_254",
  expected: "denied",
  owner: "sandbox",
  where: "each backend",
  run: async (place) => {
    const listeners = await Listeners.open(place);
    const attempts = [
      await wayOut(
        "directly",
        use(place),
        listeners,
        ["direct", { host: METADATA[0] ?? "", port: 80 }],
        "not possible",
      ),
    ];
    if (place.backend !== "bubblewrap") return attempts;
    const web = await WebServer.open("inside");
    place.defer(() => web.close());
    const control = async () =>
      textOf(await use(place, { policy: { network: [web.host] } }).guarded(...connectTo(web.host))).includes(
        "inside",
      );
    const addresses = [...METADATA, "127.0.0.1", "[::1]", ownAddress() ?? "10.0.0.1"];
    for (const network of [true, addresses] as const) {
      const { guarded } = use(place, { policy: { network } });
      for (const address of addresses) {
        attempts.push(
          await tryOne({
            name: `${address} by the proxy, ${network === true ? "all public" : "listed without its port"}`,
            expected: "denied",
            act: () => guarded(...connectTo(`${address}:${network === true ? web.port : 80}`, `/${MARK}`)),
            right: (outcome) => status(outcome) === 403,
            escaped: () => web.requests.some(({ path }) => path === `/${MARK}`),
            control,
          }),
        );
      }
    }
    return attempts;
  },
};

const twoSkills: Attack = {
  case: 46,
  name: "two_skills_two_lists_concurrently",
  expected: "denied",
  owner: "sandbox",
  where: "each backend",
  backends: ["bubblewrap"],
  why: "only bubblewrap grants a network",
  run: async (place) => {
    const webs = await Promise.all(["one", "other"].map((name) => WebServer.open(name)));
    for (const web of webs) place.defer(() => web.close());
    const runner = place.runner();
    const fetch = async (own: number, wanted: number): Promise<Json> => {
      const network = [webs[own]?.host ?? ""];
      const program = place.program(fixture("network.py"), { policy: { network } });
      return (await call(runner, program, "fetch", { url: `http://${webs[wanted]?.host}/${own}` })).value;
    };
    return await Promise.all([[0, 1], [1, 0]].map(([own = 0, wanted = 0]) =>
      tryOne({
        name: `skill ${own} asks for what skill ${wanted} may`,
        expected: "denied",
        act: () => fetch(own, wanted),
        right: ({ error }) => error?.message.includes("403") === true,
        escaped: ({ value }) =>
          value !== undefined || webs[wanted]?.requests.some(({ path }) => path === `/${own}`) === true,
        control: async () => await fetch(own, own) === ["one", "other"][own],
      })
    ));
  },
};

/** Ways to write a host so that a list and a resolver may read it differently. */
const DISGUISES: readonly (readonly [name: string, authority: (port: number) => string])[] = [
  ["a NUL byte", (port) => `allowed.test\0.evil.test:${port}`],
  ["a trailing dot", (port) => `127.0.0.1.:${port}`],
  ["a short address", (port) => `127.1:${port}`],
  ["a decimal address", (port) => `2130706433:${port}`],
  ["a hexadecimal address", (port) => `0x7f.1:${port}`],
  ["an octal address", (port) => `0177.0.0.1:${port}`],
  ["a mapped address", (port) => `[::ffff:127.0.0.1]:${port}`],
  ["a user", (port) => `allowed.test@127.0.0.1:${port}`],
  ["a suffix", () => "evilallowed.test:443"],
  ["a name below", () => "sub.allowed.test:443"],
  ["another port", () => "allowed.test:22"],
  ["two ports", (port) => `allowed.test:443:${port}`],
  ["a fragment", (port) => `127.0.0.1:${port}#allowed.test`],
  ["a wide digit", (port) => `\u0031\u00b2\u0037.0.0.1:${port}`],
];

const disguised: Attack = {
  case: 47,
  name: "proxy_disguised_hosts",
  expected: "denied",
  owner: "sandbox",
  where: "each backend",
  backends: ["bubblewrap"],
  why: "only bubblewrap grants a network",
  run: async (place) => {
    const web = await WebServer.open("inside"), listed = await WebServer.open("listed");
    place.defer(() => web.close());
    place.defer(() => listed.close());
    const network = ["allowed.test", listed.host];
    const { guarded } = use(place, { policy: { network } });
    const attempts: Attempt[] = [];
    for (const [name, authority] of DISGUISES) {
      for (const form of ["CONNECT", "GET"]) {
        const [tool, input]: readonly [string, Json] = form === "CONNECT"
          ? connectTo(authority(web.port))
          : ["raw", { text: `GET http://${authority(web.port)}/ HTTP/1.1\r\n\r\n` }];
        attempts.push(
          await tryOne({
            name: `${name}, ${form}`,
            expected: "denied",
            act: () => guarded(tool, input),
            right: (outcome) => [400, 403].includes(status(outcome)),
            escaped: () => web.requests.length > 0,
            control: async () => textOf(await guarded(...connectTo(listed.host))).includes("listed"),
          }),
        );
      }
    }
    return [...attempts, ...await rebinding(), ...await listedDisguises()];
  },
};

/** A listed name that leads to a public address when it is looked up first, and inside the next time. */
async function rebinding(): Promise<readonly Attempt[]> {
  const answers = [["1.1.1.1"], ["127.0.0.1"]];
  const target = { host: "allowed.test", port: 443 }, list = new HostList(["allowed.test"]);
  const lookup = () => Promise.resolve(answers.shift() ?? ["127.0.0.1"]);
  const first = await resolveTarget(target, list, lookup);
  const second = await resolveTarget(target, list, lookup).then(
    () => "let in",
    (error: Error) => error.message,
  );
  return [{
    name: "a name that leads inside the second time",
    answer: second === "let in" ? "escaped" : "denied",
    control: first[0] === "1.1.1.1",
  }];
}

/** The same disguises as entries of a list: a manifest with one is refused, and a list that holds one permits nothing. */
async function listedDisguises(): Promise<readonly Attempt[]> {
  const manifest = (host: string) =>
    'id = "a"\nname = "A"\nversion = "1.0.0"\ndescription = "a"\n[security.permissions]\n' +
    `network_access = [${JSON.stringify(host)}]\n`;
  const control = readManifest(manifest("allowed.test:443")).ok;
  const odd = DISGUISES.filter(([name]) => !/mapped|suffix|below|another port/.test(name));
  return await Promise.resolve(odd.map(([name, authority]) => {
    const host = authority(80);
    const accepted = readManifest(manifest(host)).ok;
    const permitted = parseAuthority(host) !== undefined;
    return {
      name: `${name}, listed`,
      answer: permitted ? "escaped" : accepted ? "failed" : "denied",
      control,
      note: `the manifest ${accepted ? "accepts" : "refuses"} ${JSON.stringify(host)}`,
    } as const;
  }));
}

const smuggling: Attack = {
  case: 48,
  name: "proxy_smuggling_huge_headers_slow_loris",
  expected: "held",
  owner: "sandbox",
  where: "each backend",
  backends: ["bubblewrap"],
  why: "only bubblewrap grants a network",
  slow: true,
  run: async (place) => {
    const web = await WebServer.open("answer");
    place.defer(() => web.close());
    const attacker = use(place, { policy: { network: [web.host], limits: { open_files: 128 } } });
    const other = use(place, { policy: { network: [web.host] } });
    const well = async () => await other.guarded("fetch", { url: `http://${web.host}/other` }) === "answer";
    const inner = `GET http://${web.host}/inner HTTP/1.1\r\nHost: ${web.host}\r\n\r\n`;
    const smuggle = async (name: string, headers: string, body: string): Promise<Attempt> =>
      await tryOne({
        name,
        expected: "held",
        act: () =>
          attacker.guarded("raw", {
            text: `POST http://${web.host}/outer HTTP/1.1\r\n${headers}\r\n${body}`,
          }),
        right: (outcome) => [200, 400, 411].includes(status(outcome)),
        escaped: () => web.requests.some(({ path }) => path.includes("inner")),
        control: well,
      });
    const slow = attacker.guarded("drip", { seconds: 20 });
    const meanwhile = await well();
    return [
      await smuggle("a second request behind the body", "Content-Length: 4\r\n", `body${inner}`),
      await smuggle("two lengths", "Content-Length: 0\r\nContent-Length: 99\r\n", inner),
      await smuggle("chunks", "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", `0\r\n\r\n${inner}`),
      await smuggle("a bare line feed", "X: 1\nTransfer-Encoding: chunked\r\n", `0\r\n\r\n${inner}`),
      await smuggle("a folded header", "X: 1\r\n Transfer-Encoding: chunked\r\n", `0\r\n\r\n${inner}`),
      await tryOne({
        name: "heads without an end",
        expected: "held",
        act: () => attacker.guarded("flood", { count: 50 }),
        right: async ({ value }) => value === 50 && await well(),
        control: well,
      }),
      await tryOne({
        name: "heads that come slowly",
        expected: "held",
        act: () => slow,
        right: async ({ value }) => meanwhile && (value as { ended: number }).ended === 60 && await well(),
        control: well,
      }),
    ];
  },
};

const proxyVariables: Attack = {
  case: 49,
  name: "network_deny_but_proxy_env_set",
  expected: "denied",
  owner: "sandbox",
  where: "each backend",
  run: async (place) => {
    const web = await WebServer.open("inside");
    const socket = `${place.fresh()}/proxy`;
    const proxy = new NetworkProxy({ socket, allow: [web.host] });
    place.defer(() => web.close());
    place.defer(() => proxy.close());
    const url = `http://${web.host}`;
    const env = { http_proxy: url, HTTP_PROXY: url, all_proxy: url, no_proxy: "" };
    const input = { url: "http://192.0.2.1/" };
    const attempt = async (name: string, network: readonly string[]) => {
      const { guarded, free } = use(place, { env, policy: { network } });
      const control = await free("fetch", input) === "inside";
      const before = web.requests.length;
      return await tryOne({
        name,
        expected: "denied",
        act: () => guarded("fetch", input),
        right: ({ error }) => error?.code === "tool_failed",
        escaped: ({ value }) => value !== undefined || web.requests.length > before,
        control: () => control,
      });
    };
    const denied = await attempt("no network", []);
    return place.backend === "bubblewrap" ? [denied, await attempt("a list", ["allowed.test"])] : [denied];
  },
};

/** Ways to other machines, and to servers of this one. */
export const network: readonly Attack[] = [
  direct,
  abstractSocket,
  metadata,
  twoSkills,
  disguised,
  smuggling,
  proxyVariables,
];
