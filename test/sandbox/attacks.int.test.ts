import { chmodSync, existsSync, readFileSync, statSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { createSocket } from "node:dgram";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findCanaryPython } from "../../src/sandbox/canary-python.ts";
import { createSandbox } from "../../src/sandbox/create-sandbox.ts";
import { pythonFiles } from "../../src/sandbox/python-files.ts";
import { SYSCALLS } from "../../src/sandbox/syscalls.ts";
import type { SandboxBackend } from "../../src/sandbox/types.ts";
import { backendsHere, isRoot, Place, run } from "./support.ts";

const ATTACK = readFileSync(fileURLToPath(new URL("fixtures/attack.py", import.meta.url)), "utf8");

/** Each succeeds without a sandbox: the control proves that the attempt itself works. */
const EVERYWHERE = words(`
  read_secret read_through_link list_outside write_outside truncate_outside remove_outside
  change_mode_outside change_times_outside hard_link_outside rename_outside
  write_granted_for_reading change_own_code change_bootstrap replace_out pipe_for_host
  fork raw_clone raw_clone3 spawn posix_spawn system multiprocess
  loopback datagram netlink local_socket abstract_socket
  host_memory host_environment signal_host signal_all host_limits host_priority
  shared_memory outlive_parent all_processors
`);
/** Each succeeds without a sandbox for root alone. */
const AS_ROOT = ["raise_limit", "device", "new_namespace"];
/** Not tried without a sandbox: they would change the machine, or need arguments that are right. */
const UNCONTROLLED = words(`
  remount ptrace bpf keyctl io_uring_setup userfaultfd perf_event_open
  process_vm_writev setns pidfd_getfd open_by_handle_at mount_setattr
`);
function words(text: string): string[] {
  return text.trim().split(/\s+/);
}

const backends = await backendsHere();

/** What an attacker aims at, and what the host saw of it. */
class Target implements Disposable {
  readonly place = new Place();
  readonly abstract = `skillwright-test-${process.pid}-${Math.random()}`;
  bytes = 0;
  connections = 0;
  readonly #servers: Server[] = [];
  readonly #datagrams = createSocket("udp4");

  async run(backend: SandboxBackend, attempts: readonly string[]): Promise<Record<string, string>> {
    const { place } = this;
    place.folder("private");
    const secret = place.file("private/secret", "secret", 0o600);
    const outside = `${place.dir}/private/outside`;
    for (const name of ["truncate", "remove", "mode"]) place.file(`private/outside-${name}`, "kept");
    chmodSync(`${outside}-mode`, 0o600);
    const readable = place.folder("readable");
    const port = await this.#listen({ host: "127.0.0.1", port: 0 });
    await this.#listen({ path: `${readable}/socket` });
    await this.#listen({ path: `\0${this.abstract}` });
    await new Promise<void>((resolve) => this.#datagrams.bind(port, "127.0.0.1", resolve));
    this.#datagrams.on("message", (message) => this.bytes += message.length);
    const order = {
      attempts,
      secret,
      outside,
      readable,
      port,
      abstract: this.abstract,
      host: process.pid,
      socket: `${readable}/socket`,
      entry: `${place.source}/skill.py`,
      boot: pythonFiles().boot,
      program: (await findCanaryPython()).path,
      syscalls: SYSCALLS[process.arch as "x64" | "arm64"].calls,
    };
    const result = await run(backend, place, ATTACK, { read: [readable] }, { ATTACK: JSON.stringify(order) });
    if (!result.out.startsWith("{")) throw new Error(`the attacker gave no answer: ${result.err}`);
    return JSON.parse(result.out.split("\n")[0] ?? "") as Record<string, string>;
  }

  untouched(): boolean {
    const path = (name: string) => `${this.place.dir}/private/outside-${name}`;
    return !existsSync(path("written")) && !existsSync(path("moved")) && existsSync(path("remove")) &&
      readFileSync(path("truncate"), "utf8") === "kept" && (statSync(path("mode")).mode & 0o777) === 0o600 &&
      statSync(path("mode")).mtimeMs > 100_000 && !existsSync(`${this.place.dir}/readable/new`);
  }

  #listen(address: object): Promise<number> {
    const server = createServer((socket) => {
      this.connections++;
      socket.on("error", () => {});
      socket.on("data", (chunk) => this.bytes += chunk.length);
    });
    this.#servers.push(server);
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen(address, () => {
        const bound = server.address();
        resolve(typeof bound === "object" && bound !== null ? bound.port : 0);
      });
    });
  }

  [Symbol.dispose](): void {
    for (const server of this.#servers) server.close();
    this.#datagrams.close();
    this.place[Symbol.dispose]();
  }
}

describe("without a sandbox", () => {
  let results: Record<string, string>;
  const target = new Target();
  const attempts = [...EVERYWHERE, ...(isRoot ? AS_ROOT : [])];
  beforeAll(async () => {
    results = await target.run(createSandbox({ backend: "unsafe-none" }), attempts);
  });
  afterAll(() => target[Symbol.dispose]());

  test.each(attempts)("%s succeeds", (attempt) => {
    expect(results[attempt]).toBe("reached");
  });

  test("the host sees the effects", () => {
    expect(target.untouched()).toBe(false);
    expect(target.bytes).toBeGreaterThan(0);
    expect(target.connections).toBeGreaterThan(0);
  });
});

for (const { name, backend, skip } of backends) {
  describe.skipIf(skip)(`${name}${skip === undefined ? "" : ` (skipped: ${skip})`}`, () => {
    let results: Record<string, string>;
    const target = new Target();
    const attempts = [...EVERYWHERE, ...AS_ROOT, ...UNCONTROLLED];
    beforeAll(async () => {
      results = await target.run(backend, attempts);
    });
    afterAll(() => target[Symbol.dispose]());

    test.each(attempts)("holds back %s", (attempt) => {
      expect(results[attempt]).toMatch(/\w/);
      expect(results[attempt]).not.toBe("reached");
    });

    test("leaves no trace outside", () => {
      expect(target.untouched()).toBe(true);
      expect(target.bytes).toBe(0);
      expect(target.connections).toBe(0);
    });
  });
}
