import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createSandbox } from "../../../src/sandbox/create-sandbox.ts";
import { backendsHere, eventually, Place, run, runtimeArguments, start, survivors } from "../support.ts";
import { WebServer } from "./servers.ts";

const ASK = readFileSync(fileURLToPath(new URL("../fixtures/ask-network.py", import.meta.url)), "utf8");

const HOST = fileURLToPath(new URL("../fixtures/host.ts", import.meta.url));

/** What a program got from each thing that it tried: text, or why not. */
type Facts = Readonly<Record<string, string>>;

const backends = await backendsHere();
const { backend, skip } = backends.find(({ name }) => name === "bubblewrap") ?? { backend: createSandbox() };

describe.skipIf(skip)(`network of a program${skip === undefined ? "" : ` (skipped: ${skip})`}`, () => {
  let one: WebServer, two: WebServer, socket: Server;
  const place = new Place();
  const services = place.folder("services");

  beforeAll(async () => {
    [one, two] = await Promise.all([WebServer.open("one"), WebServer.open("two")]);
    socket = createServer((client) => client.end("service"));
    await new Promise<void>((resolve) => socket.listen(`${services}/socket`, resolve));
  });
  afterAll(async () => {
    await Promise.all([one.close(), two.close()]);
    socket.close();
    place[Symbol.dispose]();
  });

  async function ask(network: boolean | readonly string[], spawn = false): Promise<Facts> {
    using own = new Place();
    const order = { urls: [one, two].map(({ host }) => `http://${host}/x`), socket: `${services}/socket` };
    const policy = { network, spawn, read: [services] };
    const { out, err } = await run(backend, own, ASK, policy, { ASK: JSON.stringify(order) });
    expect(existsSync(`${own.scratch}/.proxy/socket`)).toBe(false);
    if (!out.startsWith("{")) throw new Error(err);
    return JSON.parse(out) as Facts;
  }

  test("three programs at once reach what each one's list names, and nothing else", async () => {
    const [first, second, none] = await Promise.all([ask([one.host]), ask([two.host]), ask([])]);
    expect(first).toMatchObject({ 0: "one", tunnel_0: "one", 1: expect.stringContaining("403") as unknown });
    expect(first?.["tunnel_1"]).toContain("403");
    expect(second).toMatchObject({ 1: "two", tunnel_1: "two", 0: expect.stringContaining("403") as unknown });
    expect(second?.["tunnel_0"]).toContain("403");
    for (const name of ["0", "1", "tunnel_0", "tunnel_1"]) expect(none?.[name]).toMatch(/Error/);
  });

  test("its proxy is the only way out", async () => {
    const facts = await ask([one.host]);
    expect(facts["0"]).toBe("one");
    for (
      const name of [
        "direct_0",
        "direct_1",
        "metadata",
        "datagram",
        "unix",
        "proxy_socket",
        "netlink",
        "fork",
      ]
    ) {
      expect(`${name}: ${facts[name]}`).toMatch(/Error/);
    }
  });

  test("the relay beside it can be neither read nor taken over", async () => {
    const facts = await ask([one.host]);
    expect(facts["relays"]).toBe("1");
    expect(facts["relay_memory"]).toMatch(/PermissionError/);
    expect(facts["relay_files"]).toMatch(/PermissionError/);
    expect(facts["relay_traced"]).toMatch(/PermissionError/);
  });

  test("all of the network is all that is public", async () => {
    const facts = await ask(true);
    for (const name of ["0", "1", "tunnel_0"]) expect(facts[name]).toContain("403");
    expect(facts["direct_0"]).toMatch(/Error/);
  });

  test("the system's certificates are there with a network only", async () => {
    expect(Number((await ask([one.host]))["certificates"])).toBeGreaterThanOrEqual(
      existsSync("/etc/ssl/certs/ca-certificates.crt") ? 1 : 0,
    );
  });

  test("killing a program leaves neither relay nor proxy", async () => {
    using own = new Place();
    const code = "import time; print('up', flush=True); time.sleep(60)";
    const child = await start(backend, own, code, { network: [one.host] });
    await new Promise((resolve) => child.stdout.once("data", resolve));
    expect(survivors(own.dir).length).toBeGreaterThanOrEqual(2);
    child.kill();
    await child.exited;
    expect(await eventually(() => survivors(own.dir).length === 0)).toBe(true);
    expect(existsSync(`${own.scratch}/.proxy/socket`)).toBe(false);
  });

  test("an open connection keeps no host, and nothing outlives it", async () => {
    const host = spawn(process.execPath, [...runtimeArguments(HOST), "online", "bubblewrap"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let out = "";
    host.stdout.on("data", (chunk) => out += chunk);
    expect(await new Promise((resolve) => host.once("close", resolve))).toBe(0);
    const dir = out.trim();
    expect(dir).toContain("skillwright-sandbox-");
    expect(await eventually(() => survivors(dir).length === 0)).toBe(true);
  });

  test("a program that ends by itself takes its relay along", async () => {
    using own = new Place();
    const { exit } = await run(backend, own, "raise SystemExit(7)", { network: [one.host] });
    expect(exit.code).toBe(7);
    expect(await eventually(() => survivors(own.dir).length === 0)).toBe(true);
  });
});
