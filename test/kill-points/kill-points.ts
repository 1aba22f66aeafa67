import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { createEnvironments } from "../../src/environment/create-environments.ts";
import { type OpenedLibrary, openLibrary } from "../../src/lifecycle/library.ts";
import { createRunner } from "../../src/runner/runner.ts";
import { createSandbox } from "../../src/sandbox/create-sandbox.ts";
import { faultEnvironment, FAULTS, FAULTY_NODE, readRecord } from "../support/faults/faults.ts";
import type { FaultOrders, RecordedOperation } from "../support/faults/gate.ts";
import { Disk } from "./disk.ts";
import { KeyedLine } from "../../src/base/keyed-line.ts";
import type { HostTask } from "./host.ts";
import { differences, type HomeState, homeState } from "./home-state.ts";
import { ReplayedDatabase } from "./replayed-database.ts";
import { type Scenario, writePackages } from "./scenarios.ts";

/** Copies homes. Of the host's operations it is none. */
const COPY = "cp";
const HOST = fileURLToPath(new URL("host.ts", import.meta.url));

/** Where one host runs: a home, the user's settings, and a folder for running programs. */
class Room {
  readonly folder: string;
  readonly home: string;
  readonly config: string;
  readonly scratch: string;

  constructor(folder: string) {
    this.folder = folder;
    this.home = join(folder, "home");
    this.config = join(folder, "config");
    this.scratch = join(folder, "scratch");
    mkdirSync(this.scratch, { recursive: true });
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A scenario that was run once to its end. */
export interface Course {
  readonly scenario: Scenario;
  /** The home that it begins with. */
  readonly start: Room;
  /** Where the operations that were recorded took place. */
  readonly place: string;
  readonly record: readonly RecordedOperation[];
  /** How many operations it takes. */
  readonly seen: number;
  /** The home as it was, as it is after each commit, and in the end. */
  readonly states: readonly HomeState[];
}

/** What became of a home. */
export interface Verdict {
  /** Which of the states it is in; undefined when in none. */
  readonly state: number | undefined;
  /** What is wrong with it; none when all is well. */
  readonly problems: readonly string[];
}

/** Where hosts are killed, and homes looked at after it. */
export class KillRoom {
  readonly #folder = realpathSync(mkdtempSync(join(tmpdir(), "skillwright-kill-")));
  readonly #packages = join(this.#folder, "packages");
  readonly #environments = createEnvironments();
  readonly #sandbox = createSandbox({ backend: "unsafe-none" });
  readonly #line = new KeyedLine();
  #rooms = 0;

  constructor() {
    writePackages(this.#packages);
  }

  /** Runs a scenario to its end: with what it passes on the way, its operations and how many they are. */
  async course(scenario: Scenario): Promise<Course> {
    const start = this.#room(), { prepare } = scenario;
    if (prepare !== undefined) {
      await this.#open(scenario, start, (library) => prepare(library, this.#packages));
    }
    const states = [await this.#settled(start, start.home)];
    const room = this.#room(start);
    const kept = join(room.folder, "states"), record = join(room.folder, "record");
    await this.#host(scenario, room, { record, contents: true }, kept);
    for (const name of readdirSync(kept).sort()) states.push(await this.#settled(room, join(kept, name)));
    const wrong = differences(homeState(room), lastOf(states), new Map());
    if (wrong.length > 0) {
      throw new Error(`"${scenario.name}" leaves a home that opening changes: ${wrong.join("\n")}`);
    }
    const operations = readRecord(record).filter(({ kind, path }) =>
      path !== kept && (kind !== "spawn" || path !== COPY)
    );
    const seen = operations.filter(({ n }) => n !== null).length;
    room.remove();
    return { scenario, start, place: room.folder, record: operations, seen, states };
  }

  /** Runs the scenario anew and kills its host before operation `n`. Undefined when it ended before that. */
  async kill(course: Course, n: number): Promise<Verdict | undefined> {
    const room = this.#room(course.start);
    try {
      const killed = await this.#host(course.scenario, room, { killBefore: n });
      return killed ? await this.look(course, room) : undefined;
    } finally {
      room.remove();
    }
  }

  /**
   * Cuts the power before each recorded operation and after the last one, and looks at what is left: the operations up to
   * there without what was not synced. What was looked at before is not looked at again.
   *
   * @param picks which of the cuts are made, by their numbers; those after the last operation always are
   */
  async *powerCuts(
    { scenario, start, place, record, states }: Course,
    picks: (cut: number) => boolean,
  ): AsyncGenerator<Verdict & { readonly what: string }> {
    const before = this.#room(start);
    rmSync(before.scratch, { recursive: true });
    const disk = new Disk(place, before.folder), folder = this.#room().folder;
    const database = new ReplayedDatabase(join(folder, "home.db"));
    copy(join(start.home, ".state/home.db"), join(folder, "home.db"));
    const known = new Set<string>();
    for (let n = 0, cut = 0; n <= record.length; n++) {
      const isDone = n === record.length;
      for (const kind of ["dropped", "empty", "torn"] as const) {
        const key = `${disk.digest(kind)} ${database.commits}`;
        if (!isDone && (known.has(key) || !picks(cut++))) continue;
        known.add(key);
        // Trust is in a home at its place: it comes back to it.
        disk.write(place, kind);
        const room = new Room(place);
        if (existsSync(join(room.home, ".state"))) database.copyTo(join(room.home, ".state/home.db"));
        const verdict = await this.look({ scenario, states }, room, cut % 5 === 0);
        const lost = isDone && verdict.state !== states.length - 1 ? ["what was done is lost"] : [];
        const what = `${kind} before ${JSON.stringify(record[n] ?? "the end").slice(0, 300)}`;
        yield { ...verdict, problems: [...verdict.problems, ...lost], what };
        room.remove();
      }
      const operation = record[n];
      if (operation?.kind === "sql") {
        if (operation.path.endsWith("home.db")) database.apply(operation);
      } else if (operation !== undefined && !operation.path.startsWith(join(place, "scratch"))) {
        disk.apply(operation);
      }
    }
    rmSync(folder, { recursive: true });
    before.remove();
  }

  /**
   * Opens a home and sees in which state it is and whether all agrees with it; with `again`, whether the operation can be
   * done again.
   */
  async look(course: Pick<Course, "scenario" | "states">, room: Room, again = true): Promise<Verdict> {
    try {
      return await this.#look(course, room, again);
    } catch (error) {
      return { state: undefined, problems: [`threw ${String(error)}`] };
    }
  }

  async #look(
    { scenario, states }: Pick<Course, "scenario" | "states">,
    room: Room,
    again: boolean,
  ): Promise<Verdict> {
    const last = lastOf(states), problems: string[] = [];
    const findings = await this.#open(scenario, room, (library) => library.check());
    problems.push(...findings.map(({ message }) => `found: ${message}`));
    const found = homeState(room);
    const distances = states.map((state) => differences(found, state, last));
    const state = distances.findIndex((one) => one.every(isLeftInSettings));
    if (state < 0) {
      const [nearest = []] = [...distances].sort((one, other) => one.length - other.length);
      return { state: undefined, problems: [...problems, ...nearest] };
    }
    const isLast = state === states.length - 1;
    if (isLast) problems.push(...differences(found, last, last));
    else if (again) problems.push(...await this.#again(scenario, room, state === 0 ? last : undefined));
    return { state, problems };
  }

  /** Does the operation again. From the state before it, that ends in the one after it. */
  async #again(scenario: Scenario, room: Room, last: HomeState | undefined): Promise<readonly string[]> {
    const findings = await this.#open(scenario, room, async (library) => {
      await scenario.perform(library, this.#packages);
      return await library.check();
    });
    const wrong = last === undefined ? [] : differences(homeState(room), last, last);
    const left = readdirSync(room.scratch).flatMap((user) => readdirSync(join(room.scratch, user)));
    return [
      ...findings.map(({ message }) => `found when it was done again: ${message}`),
      ...wrong.map((one) => `done again: ${one}`),
      ...left.map((name) => `left over: scratch/${name}`),
    ];
  }

  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** A new room, with a copy of what is in another. */
  #room(like?: Room): Room {
    const room = new Room(join(this.#folder, String(this.#rooms++)));
    if (like === undefined) return room;
    copy(like.home, room.home);
    copy(like.config, room.config);
    return room;
  }

  /** The state of a home once it was opened. */
  async #settled(from: Room, dir: string): Promise<HomeState> {
    const room = this.#room();
    copy(dir, room.home);
    copy(from.config, room.config);
    // Trust is in a home at its place: this is a copy.
    await this.#open({}, room, () => Promise.resolve());
    const state = homeState(room);
    room.remove();
    return state;
  }

  /** Opens a home in this process. One after the other: where the user's settings are is the same for all of it. */
  #open<T>(
    { found = false }: Pick<Scenario, "found">,
    room: Room,
    work: (library: OpenedLibrary) => Promise<T>,
  ): Promise<T> {
    return this.#line.run(
      "open",
      () =>
        withEnvironment({ XDG_CONFIG_HOME: room.config, TMPDIR: room.scratch }, async () => {
          const runner = createRunner({ sandbox: this.#sandbox });
          try {
            const environments = this.#environments;
            const library = await openLibrary({ dir: room.home, trusted: !found, environments, runner });
            try {
              return await work(library);
            } finally {
              await library.close();
            }
          } finally {
            await runner.close();
          }
        }),
    );
  }

  /** @returns whether it was killed */
  async #host(scenario: Scenario, room: Room, orders: FaultOrders, states?: string): Promise<boolean> {
    const task: HostTask = {
      scenario: scenario.name,
      dir: room.home,
      trusted: scenario.found !== true,
      packages: this.#packages,
      ...(states === undefined ? {} : { states: { folder: states, copyBy: COPY } }),
    };
    const child = spawn(FAULTY_NODE, [...FAULTS, HOST, JSON.stringify(task)], {
      stdio: ["ignore", "ignore", "pipe"],
      env: {
        ...process.env,
        XDG_CONFIG_HOME: room.config,
        TMPDIR: room.scratch,
        NODE_COMPILE_CACHE: join(this.#folder, "compiled"),
        ...faultEnvironment(orders),
      },
    });
    let said = "";
    child.stderr.on("data", (chunk: unknown) => (said += String(chunk)));
    const [code, signal] = await new Promise<[number | null, string | null]>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (...end) => resolve(end));
    });
    if (signal === "SIGKILL") return true;
    if (code === 0) return false;
    throw new Error(`"${scenario.name}" failed: ${said}`);
  }
}

/** Sets variables of this process while something is done. */
async function withEnvironment<T>(
  variables: Readonly<Record<string, string>>,
  work: () => Promise<T>,
): Promise<T> {
  const before = Object.keys(variables).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, variables);
  try {
    return await work();
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
}

function lastOf(states: readonly HomeState[]): HomeState {
  return states.at(-1) ?? new Map<string, string>();
}

/** What was left among the user's settings goes when the operation is done again. */
function isLeftInSettings(difference: string): boolean {
  return /^settings\/\S+\.tmp: /.test(difference);
}

function copy(from: string, to: string): void {
  // With all modes and times, which `cpSync` does not keep for folders.
  if (existsSync(from)) execFileSync(COPY, ["-a", from, to]);
}
