import { randomUUID } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { BoundedText } from "../../base/bounded-text.ts";
import { SkillError } from "../../base/errors.ts";
import { HostFolder } from "../../base/host-folder.ts";
import { type Json, parseJson } from "../../base/json.ts";
import { treeUsage } from "../process/process-tree.ts";
import { spawnPlan } from "../process/spawn.ts";
import type { ProcessExit, SandboxLimits, SandboxPlan } from "../types.ts";

/** How long one attack may take. */
const DEADLINE_MS = 10_000;

const MB = 1 << 20;

/** Limits under which the canary attacks; small, so that passing them costs nothing. */
export const CANARY_LIMITS: SandboxLimits = {
  memory_mb: 96,
  cpu_percent: 100,
  cpu_seconds: 10,
  file_size_mb: 1,
  scratch_mb: 4,
  open_files: 64,
  processes: 16,
};

/** What the attacker reports, by attempt: its result, or `{ refused }`. */
export type CanaryFacts = Readonly<Record<string, Json>>;

/** What one attack showed, as the host saw it wherever it can see. */
export interface CanaryResult {
  readonly facts: CanaryFacts;
  /** The attacker read what lay outside its grants. */
  readonly secretRead: boolean;
  /** A file appeared outside, or one there was cut. */
  readonly outsideWritten: boolean;
  /** Bytes arrived at a server of the host. */
  readonly serverReached: boolean;
  /** The host could measure what its processes read from and wrote to disk. */
  readonly diskSeen: boolean;
  /** The positive controls: it read its input, wrote its output and started a thread. */
  readonly worked: boolean;
  /** Why it gave no facts. */
  readonly failure?: string;
}

/** What a program did that may start processes. */
export interface SpawnResult {
  /** Ending it ended its daemon as well. */
  readonly treeDies: boolean;
  /** How many lived at the same time. */
  readonly children: number;
}

/** A place to attack from: a scratch folder, a secret and two servers that no program is granted. */
export class CanaryRange {
  readonly scratch: string;
  readonly #place: HostFolder;
  readonly #dir: string;
  readonly #secret: string;
  readonly #servers: readonly ListeningServer[];

  private constructor(place: HostFolder, dir: string, secret: string, servers: readonly ListeningServer[]) {
    this.#place = place;
    this.#dir = dir;
    this.scratch = join(dir, "scratch");
    this.#secret = secret;
    this.#servers = servers;
  }

  /** Makes a range, lets `use` attack from it, and takes it away again. */
  static async use<T>(parent: string | undefined, use: (range: CanaryRange) => Promise<T>): Promise<T> {
    const range = await CanaryRange.#open(new HostFolder(parent));
    try {
      return await use(range);
    } finally {
      await range.#close();
    }
  }

  static async #open(place: HostFolder): Promise<CanaryRange> {
    const dir = await place.path();
    const secret = randomUUID();
    for (const folder of ["scratch", "scratch/in", "scratch/out", "private"]) await mkdir(join(dir, folder));
    await writeFile(join(dir, "private/secret"), secret, { mode: 0o600 });
    await writeFile(join(dir, "scratch/in/input"), secret);
    const servers = [
      await listen({ host: "127.0.0.1", port: 0 }),
      await listen({ host: "127.0.0.1", port: 0 }),
      await listen({ path: join(dir, "private/socket") }),
    ];
    return new CanaryRange(place, dir, secret, servers);
  }

  /** Runs every attack inside a plan for the scratch folder. */
  async attack(plan: SandboxPlan): Promise<CanaryResult> {
    const run = randomUUID();
    const inside = (path: string) => `${plan.workdir}/${path}`;
    const kept = join(this.#dir, "private", `kept-${run}`);
    const created = join(this.#dir, "private", `created-${run}`);
    await writeFile(kept, this.#secret);
    for (const server of this.#servers) server.reached = false;
    const { facts, failure, diskSeen } = await this.#run(plan, {
      identity: null,
      input: inside("in/input"),
      secret: join(this.#dir, "private/secret"),
      output: [inside("out/output"), run],
      outside: [created, run],
      truncate: kept,
      loopback: ["127.0.0.1", this.#servers[0]?.port ?? 0],
      local_socket: join(this.#dir, "private/socket"),
      fork: null,
      thread: null,
      space: plan.workdir,
      cpu: null,
      file_size: [inside("out/large"), 2 * CANARY_LIMITS.file_size_mb * MB],
      memory: 2 * CANARY_LIMITS.memory_mb * MB,
      // Where it is allowed it takes the attacker's place and no facts come: that counts as a failure of all.
      ...(plan.confine["filter"] === undefined ? {} : { execute: null }),
    });
    const output = await readText(join(this.scratch, "out/output"));
    return {
      facts,
      secretRead: facts["secret"] === this.#secret,
      outsideWritten: await readText(created) !== undefined || await readText(kept) !== this.#secret,
      serverReached: this.#servers.some((server) => server.reached),
      diskSeen,
      worked: facts["input"] === this.#secret && output === run && facts["thread"] === "ran",
      ...(failure === undefined ? {} : { failure }),
    };
  }

  /**
   * Lets a program use its proxy under the plan that `planFor` makes for a list of hosts. Answers what went wrong:
   * undefined when it reached the server on its list, and nothing else by any way.
   */
  async misusesNetwork(planFor: (allow: readonly string[]) => SandboxPlan): Promise<string | undefined> {
    const [listed, other] = this.#servers.map(({ port = 0 }) => ["127.0.0.1", port] as const);
    if (listed === undefined || other === undefined) return "there is no server to reach";
    for (const server of this.#servers) server.reached = false;
    const { facts, failure } = await this.#run(planFor([listed.join(":")]), {
      proxied: [listed, other],
      loopback: other,
      local_socket: join(this.#dir, "private/socket"),
      fork: null,
    });
    if (failure !== undefined) return `a test program could not run with a network (${failure})`;
    const [first, ...rest] = this.#servers.map(({ reached }) => reached);
    if (rest.includes(true)) return "a test program reached a server that is not on its list";
    if (!refused(facts, "fork")) return "a test program with a network started a process";
    const expected = first && JSON.stringify(facts["proxied"]) === "[200,403]";
    return expected ? undefined : `a test program's proxy gave ${JSON.stringify(facts["proxied"])}`;
  }

  /** What a program does that may start processes: as many as it can, then a daemon in another session. */
  async spawns(plan: SandboxPlan): Promise<SpawnResult> {
    const child = spawnPlan(plan);
    child.stderr.resume();
    let ended = false;
    child.stdout.once("end", () => ended = true);
    let said = "";
    const daemon = new Promise<boolean>((resolve) => {
      child.stdout.on("data", (chunk) => {
        said += String(chunk);
        if (said.includes("survivor")) resolve(true);
      });
      void child.exited.then(() => resolve(false));
    });
    const deadline = setTimeout(() => child.kill(), DEADLINE_MS);
    child.handOver({ canary: { bomb: 4 * CANARY_LIMITS.processes, survive: DEADLINE_MS / 1000 } });
    const started = await daemon;
    child.kill();
    await child.exited;
    clearTimeout(deadline);
    return { treeDies: started && ended, children: Number(/children (\d+)/.exec(said)?.[1] ?? 0) };
  }

  async #close(): Promise<void> {
    for (const { server } of this.#servers) server.close();
    await this.#place.close();
  }

  async #run(
    plan: SandboxPlan,
    orders: Json,
  ): Promise<{ facts: CanaryFacts; diskSeen: boolean; failure?: string }> {
    const child = spawnPlan(plan);
    const out = new BoundedText(1 << 16);
    const log = new BoundedText(1 << 12);
    child.stdout.on("data", (chunk: Uint8Array) => out.push(chunk));
    child.stderr.on("data", (chunk: Uint8Array) => log.push(chunk));
    const deadline = setTimeout(() => child.kill(), DEADLINE_MS);
    // Before it gets its orders it is sure to be there; an attacker may be gone before it is looked at.
    const usage = await child.ready.then(() => treeUsage(child.pid), () => undefined);
    child.handOver({ canary: orders });
    const exit = await child.exited;
    clearTimeout(deadline);
    const diskSeen = usage?.unseen === 0;
    try {
      return { facts: parseJson(out.toString(), "the canary's answer") as CanaryFacts, diskSeen };
    } catch {
      return {
        facts: {},
        diskSeen,
        failure: `${describeExit(exit)}${log.totalBytes > 0 ? `: ${log.toString().trim()}` : ""}`,
      };
    }
  }
}

/** Whether an attempt was made and refused. */
export function refused(facts: CanaryFacts, attempt: string): boolean {
  const fact = facts[attempt];
  return typeof fact === "object" && fact !== null && "refused" in fact;
}

function describeExit(exit: ProcessExit): string {
  return exit.error ??
    (exit.signal === null ? `it ended with ${exit.code}` : `it was ended by ${exit.signal}`);
}

interface ListeningServer {
  readonly server: Server;
  readonly port: number | undefined;
  reached: boolean;
}

async function listen(
  address: { readonly host: string; readonly port: number } | { readonly path: string },
): Promise<ListeningServer> {
  const server = createServer((socket) => {
    listening.reached = true;
    socket.on("error", () => {});
    socket.destroy();
  });
  server.unref();
  const listening: ListeningServer = { server, port: await bind(server, address), reached: false };
  return listening;
}

function bind(server: Server, address: object): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) => {
      reject(SkillError.from(error, "sandbox_unavailable", "the canary's server could not listen"));
    });
    server.listen(address, () => {
      const bound = server.address();
      resolve(typeof bound === "object" && bound !== null ? bound.port : undefined);
    });
  });
}

async function readText(path: string): Promise<string | undefined> {
  return await readFile(path, "utf8").catch(() => undefined);
}
