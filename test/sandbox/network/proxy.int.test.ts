import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { NetworkProxy, PROXY_LIMITS } from "../../../src/sandbox/network/proxy.ts";
import { WebServer } from "./servers.ts";

describe("NetworkProxy", () => {
  // Longer than the 107 bytes that the path of a socket may have.
  const dir = realpathSync(mkdtempSync(join(tmpdir(), "skillwright-proxy-")));
  const folder = join(dir, "x".repeat(60), "y".repeat(60));
  const paths: string[] = [];
  const proxies: NetworkProxy[] = [];
  let web: WebServer, other: WebServer;

  const open = (allow: true | readonly string[], limits: Partial<typeof PROXY_LIMITS> = {}) => {
    const socket = join(folder, `s${paths.length}`);
    paths.push(socket);
    const lookup = (name: string) => Promise.resolve(name === "rebound.test" ? ["127.0.0.1"] : []);
    proxies.push(new NetworkProxy({ socket, allow }, { ...PROXY_LIMITS, ...limits }, lookup));
    return short(socket);
  };
  /** A test may reach a long path by way of a link. */
  const short = (socket: string) => join(dir, "s", socket.slice(folder.length + 1));

  /** Sends bytes and answers all that comes back. */
  const send = (socket: string, text: string, end = false): Promise<string> =>
    new Promise((resolve) => {
      const client = connect({ path: socket, allowHalfOpen: true });
      let answer = "";
      client.on("data", (chunk) => answer += chunk);
      client.on("error", () => {});
      client.on("end", () => client.destroy()).on("close", () => resolve(answer));
      client.write(text, "latin1");
      if (end) client.end();
    });

  const get = (host: string, rest = "") =>
    `GET http://${host}/path?q=1 HTTP/1.1\r\nHost: evil.org\r\n${rest}\r\n`;

  beforeAll(async () => {
    const { mkdirSync, symlinkSync } = await import("node:fs");
    mkdirSync(folder, { recursive: true });
    symlinkSync(folder, join(dir, "s"));
    [web, other] = await Promise.all([WebServer.open("answer"), WebServer.open("other")]);
  });
  afterAll(async () => {
    for (const proxy of proxies) proxy.close();
    await Promise.all([web.close(), other.close()]);
    rmSync(dir, { recursive: true });
  });

  test("passes a request on with the host that it checked", async () => {
    const proxy = open([web.host]);
    expect(await send(proxy, get(web.host, "Proxy-Authorization: x\r\nX-Own: 1\r\n"))).toMatch(
      /^HTTP\/1.1 200 [^]*answer/,
    );
    expect(web.requests.at(-1)).toEqual({ path: "/path?q=1", host: web.host, body: "" });
  });

  test("passes a body on, and not a byte of what follows it", async () => {
    const proxy = open([web.host]);
    const before = web.requests.length;
    const text = `POST http://${web.host}/ HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody`;
    expect(await send(proxy, `${text}${get(web.host)}`)).toContain("answer");
    expect(web.requests.slice(before)).toEqual([{ path: "/", host: web.host, body: "body" }]);
  });

  test("opens a tunnel to what is listed only", async () => {
    const proxy = open([web.host]);
    const inner = `GET /in HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`;
    const answer = await send(proxy, `CONNECT ${web.host} HTTP/1.1\r\n\r\n${inner}`);
    expect(answer).toMatch(/^HTTP\/1.1 200 Connection established\r\n\r\nHTTP\/1.1 200 [^]*answer/);
    expect(await send(proxy, `CONNECT ${other.host} HTTP/1.1\r\n\r\n${inner}`)).toMatch(/^HTTP\/1.1 403 /);
    expect(other.requests).toEqual([]);
  });

  test.each([
    ["another port", () => `CONNECT 127.0.0.1:${other.port} HTTP/1.1\r\n\r\n`, 403],
    ["a short address", () => `CONNECT 127.1:${web.port} HTTP/1.1\r\n\r\n`, 400],
    ["a decimal address", () => `CONNECT 2130706433:${web.port} HTTP/1.1\r\n\r\n`, 400],
    ["an IPv4 address in IPv6", () => `CONNECT [::ffff:127.0.0.1]:${web.port} HTTP/1.1\r\n\r\n`, 403],
    ["a name that leads inside", () => `CONNECT rebound.test:443 HTTP/1.1\r\n\r\n`, 403],
    ["a trailing dot", () => get(`127.0.0.1.:${web.port}`), 400],
    ["a user name", () => get(`${web.host}@${other.host}`), 400],
    ["a NUL byte", () => get(`${web.host}\0.evil.org`), 400],
    ["another scheme", () => get(web.host).replace("http:", "ftp:"), 400],
    ["a path alone", () => "GET /path HTTP/1.1\r\nHost: x\r\n\r\n", 400],
    ["no port for a tunnel", () => "CONNECT rebound.test HTTP/1.1\r\n\r\n", 400],
    ["two lengths", () => get(web.host, "Content-Length: 1\r\nContent-Length: 2\r\n"), 400],
    ["a length that is none", () => get(web.host, "Content-Length: +1\r\n"), 400],
    ["an encoding that hides the length", () => get(web.host, "Transfer-Encoding: chunked\r\n"), 411],
    ["a folded header", () => get(web.host, "X: 1\r\n Transfer-Encoding: chunked\r\n"), 400],
    ["a bare line feed", () => get(web.host, "X: 1\nTransfer-Encoding: chunked\r\n"), 400],
    ["a space before the colon", () => get(web.host, "Transfer-Encoding : chunked\r\n"), 400],
    ["too many headers", () => get(web.host, "X: 1\r\n".repeat(200)), 431],
    ["a head without end", () => `GET http://${web.host}/${"x".repeat(20_000)}`, 431],
    ["a body that is too large", () => get(web.host, "Content-Length: 99999999999\r\n"), 413],
    ["no HTTP", () => "\x16\x03\x01\r\n\r\n", 400],
  ])("refuses %s", async (_what, text, status) => {
    const before = [web.requests.length, other.requests.length];
    expect(await send(open([web.host, "rebound.test"]), text())).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect([web.requests.length, other.requests.length]).toEqual(before);
  });

  test("ends requests that come too slowly or stop early, while another proxy answers", async () => {
    const slow = open([web.host], { headMs: 50 });
    const fast = open([web.host]);
    expect(await send(slow, "GET http://")).toMatch(/^HTTP\/1.1 408 /);
    expect(await send(fast, "GET http://", true)).toMatch(/^HTTP\/1.1 400 /);
    expect(await send(fast, get(web.host))).toContain("answer");
  });

  test("takes so many connections and no more", async () => {
    const proxy = open([web.host], { connections: 1 });
    const first = connect(proxy).on("error", () => {});
    await new Promise<void>((resolve) => first.once("connect", resolve));
    expect(await send(proxy, get(web.host))).toBe("");
    first.destroy();
  });

  test("closes its connections when it is closed", async () => {
    const proxy = open([web.host]);
    const waiting = send(proxy, "GET http://");
    const client = connect(proxy);
    await new Promise<void>((resolve) => client.once("connect", resolve));
    const closed = new Promise((resolve) => client.once("close", resolve));
    client.on("error", () => {}).resume();
    proxies.at(-1)?.close();
    await closed;
    expect(await waiting).not.toContain("200");
  });
});
