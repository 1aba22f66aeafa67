import { Buffer } from "node:buffer";
import { lookup } from "node:dns/promises";
import { closeSync, constants, mkdirSync, openSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { basename, dirname } from "node:path";
import { Transform } from "node:stream";
import { type Lookup, requireListed, resolveTarget } from "./destination.ts";
import type { ProxyPlan, Upstream, UpstreamPlan } from "../types.ts";
import { HostList } from "./hosts.ts";
import { Refusal } from "./refusal.ts";
import { parseRequestHead, type ProxyRequest } from "./request-head.ts";
import { forUpstream, openTunnel, upstreamFor } from "./upstream.ts";

/** Bounds of one proxy. */
export interface ProxyLimits {
  readonly connections: number;
  readonly headBytes: number;
  /** For the whole head, however slowly it comes. */
  readonly headMs: number;
  /** Of a request that is not a tunnel. */
  readonly bodyBytes: number;
  readonly connectMs: number;
  readonly idleMs: number;
}

/** The bounds of a proxy when none are given. */
export const PROXY_LIMITS: ProxyLimits = {
  connections: 64,
  headBytes: 16 * 1024,
  headMs: 10_000,
  bodyBytes: 64 * 1024 * 1024,
  connectMs: 10_000,
  idleMs: 120_000,
};

/**
 * The way out of one skill: an HTTP proxy (CONNECT, and `http://` requests) on a unix socket. It listens when the
 * constructor returns, and never keeps the host alive. One connection carries one request.
 */
export class NetworkProxy {
  readonly #list: HostList;
  readonly #own: HostList;
  readonly #upstream: UpstreamPlan | undefined;
  readonly #limits: ProxyLimits;
  readonly #lookup: Lookup;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(plan: ProxyPlan, limits: ProxyLimits = PROXY_LIMITS, lookUp: Lookup = systemLookup) {
    this.#list = new HostList(plan.allow);
    this.#own = new HostList(plan.own ?? []);
    this.#upstream = plan.upstream;
    this.#limits = limits;
    this.#lookup = lookUp;
    this.#server = createServer({ allowHalfOpen: true }, (client) => void this.#serve(client));
    this.#server.maxConnections = limits.connections;
    // A program without its proxy finds a closed port.
    this.#server.on("error", () => {});
    listenAt(this.#server, plan.socket);
    this.#server.unref();
  }

  /** Ends it and every connection. May be called any number of times. */
  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  async #serve(client: Socket): Promise<void> {
    this.#adopt(client);
    try {
      const { head, rest } = await readHead(client, this.#limits);
      const request = parseRequestHead(head);
      if (request.kind === "plain" && request.bodyBytes > this.#limits.bodyBytes) {
        throw new Refusal(413, `the body is larger than ${this.#limits.bodyBytes} bytes`);
      }
      const proxy = upstreamFor(this.#upstream, request);
      if (proxy !== undefined) {
        join(client, await this.#connectThrough(proxy, request), forUpstream(request, proxy), rest);
        return;
      }
      const addresses = await resolveTarget(request.target, this.#list, this.#lookup, this.#own);
      const upstream = await this.#connect(addresses, request.target.port);
      join(client, upstream, request, rest);
    } catch (error) {
      const refusal = error instanceof Refusal ? error : new Refusal(502, "the connection failed");
      client.end(refusal.bytes());
      client.resume();
      setTimeout(() => client.destroy(), 1_000).unref();
    }
  }

  /** Connects by way of the network's own proxy, which also looks names up. */
  async #connectThrough(proxy: Upstream, { kind, target }: ProxyRequest): Promise<Socket> {
    requireListed(target, this.#list);
    const addresses = await this.#lookup(proxy.host).catch(() => []);
    const socket = await this.#connect(addresses, proxy.port);
    if (kind === "tunnel") await openTunnel(socket, target, proxy, (from) => readHead(from, this.#limits));
    return socket;
  }

  /** Connects to the first address that answers. */
  async #connect(addresses: readonly string[], port: number): Promise<Socket> {
    for (const host of addresses.slice(0, 4)) {
      const socket = connect({ host, port, allowHalfOpen: true });
      this.#adopt(socket);
      if (await isConnected(socket, this.#limits.connectMs)) return socket;
      socket.destroy();
    }
    throw new Refusal(502, "the host does not answer");
  }

  /** No socket keeps the host alive, outlives the proxy, or stays idle for long. */
  #adopt(socket: Socket): void {
    this.#sockets.add(socket);
    socket.unref();
    socket.setTimeout(this.#limits.idleMs, () => socket.destroy());
    socket.on("error", () => socket.destroy());
    socket.once("close", () => this.#sockets.delete(socket));
  }
}

/** Listens by way of a descriptor of the folder, because the path of a socket holds 107 bytes at most. */
function listenAt(server: Server, path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  rmSync(path, { force: true });
  const folder = openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
  server.once("close", () => closeSync(folder));
  server.listen(`/proc/self/fd/${folder}/${basename(path)}`);
}

async function systemLookup(name: string): Promise<readonly string[]> {
  return (await lookup(name, { all: true })).map(({ address }) => address);
}

function readHead(
  client: Socket,
  limits: ProxyLimits,
): Promise<{ readonly head: string; readonly rest: Buffer }> {
  return new Promise((resolve, reject) => {
    let data = Buffer.alloc(0);
    const settle = (action: () => void) => {
      clearTimeout(deadline);
      client.off("data", take).off("close", ended).off("end", ended).pause();
      action();
    };
    const fail = (status: number, message: string) => settle(() => reject(new Refusal(status, message)));
    const ended = () => fail(400, "malformed request: it ended early");
    const deadline = setTimeout(() => fail(408, "the request came too slowly"), limits.headMs);
    deadline.unref();
    const take = (chunk: Buffer) => {
      data = Buffer.concat([data, chunk]);
      const end = data.indexOf("\r\n\r\n");
      if (end > limits.headBytes || (end < 0 && data.length > limits.headBytes)) {
        return fail(431, `the head is larger than ${limits.headBytes} bytes`);
      }
      if (end < 0) return;
      settle(() => resolve({ head: data.toString("latin1", 0, end), rest: data.subarray(end + 4) }));
    };
    client.on("data", take).on("close", ended).on("end", ended);
  });
}

function isConnected(socket: Socket, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const deadline = setTimeout(() => resolve(false), timeoutMs);
    deadline.unref();
    const settle = (answer: boolean) => {
      clearTimeout(deadline);
      resolve(answer);
    };
    socket.once("connect", () => settle(true)).once("close", () => settle(false));
  });
}

function join(client: Socket, upstream: Socket, request: ProxyRequest, rest: Buffer): void {
  client.once("close", () => upstream.destroy());
  // Not destroyed: what the server said last may still be on its way.
  upstream.once("close", () => client.end());
  if (request.kind === "tunnel") {
    client.write("HTTP/1.1 200 Connection established\r\n\r\n");
    upstream.write(rest);
    client.pipe(upstream);
  } else {
    upstream.write(request.head, "latin1");
    const body = atMost(request.bodyBytes);
    body.pipe(upstream, { end: false });
    body.write(rest);
    client.pipe(body);
  }
  upstream.pipe(client);
}

/** Passes so many bytes on and drops the others: a second request in one connection would not have been checked. */
function atMost(bytes: number): Transform {
  let left = bytes;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const part = chunk.subarray(0, left);
      left -= part.length;
      done(null, part);
    },
  });
}
