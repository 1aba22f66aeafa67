import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from "node:fs";
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
    const through = this.#room(start), kept = join(through.folder, "states");
    await this.#host(scenario, through, {}, kept);
    for (const name of readdirSync(kept).sort()) {
      states.push(await this.#settled(through, join(kept, name)));
    }
    const whole = this.#room(start),
      record = join(through.folder, "record"),
      count = join(through.folder, "count");
    await this.#host(scenario, whole, { record, contents: true, count });
    const wrong = differences(homeState(whole), lastOf(states), new Map());
    if (wrong.length > 0) {
      throw new Error(`"${scenario.name}" leaves a home that opening changes: ${wrong.join("\n")}`);
    }
    const seen = Number(readFileSync(count, "utf8")), operations = readRecord(record);
    through.remove();
    whole.remove();
    return { scenario, start, place: whole.folder, record: operations, seen, states };
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
   * @param picks which of the cuts are made, by their numbers
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
      for (const kind of ["dropped", "empty", "torn"] as const) {
        const key = `${disk.digest(kind)} ${database.commits}`;
        if (known.has(key)) continue;
        known.add(key);
        if (!picks(cut++)) continue;
        const room = this.#room();
        rmSync(room.folder, { recursive: true });
        disk.write(room.folder, kind);
        mkdirSync(room.scratch);
        if (existsSync(join(room.home, ".state"))) database.copyTo(join(room.home, ".state/home.db"));
        const isDone = n === record.length;
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

  /** Opens a home and sees in which state it is, whether all agrees with it, and whether the operation can be done again. */
  async look(
    { scenario, states }: Pick<Course, "scenario" | "states">,
    room: Room,
    again = true,
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
    if (state < states.length - 1) {
      if (!again) return { state, problems };
      const findings = await this.#open(scenario, room, async (library) => {
        await scenario.perform(library, this.#packages);
        return await library.check();
      });
      problems.push(...findings.map(({ message }) => `found when it was done again: ${message}`));
      if (state === 0) {
        problems.push(...differences(homeState(room), last, last).map((one) => `done again: ${one}`));
      }
    } else problems.push(...differences(found, last, last));
    for (const user of readdirSync(room.scratch)) {
      problems.push(...readdirSync(join(room.scratch, user)).map((name) => `left over: scratch/${name}`));
    }
    return { state, problems };
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
    return this.#line.run("open", async () => {
      const before = process.env["XDG_CONFIG_HOME"];
      process.env["XDG_CONFIG_HOME"] = room.config;
      const runner = createRunner({ sandbox: this.#sandbox, scratchRoot: room.scratch });
      try {
        const library = await openLibrary({
          dir: room.home,
          trusted: !found,
          environments: this.#environments,
          runner,
        });
        try {
          return await work(library);
        } finally {
          await library.close();
        }
      } finally {
        await runner.close();
        if (before === undefined) delete process.env["XDG_CONFIG_HOME"];
        else process.env["XDG_CONFIG_HOME"] = before;
      }
    });
  }

  /** @returns whether it was killed */
  async #host(scenario: Scenario, room: Room, orders: FaultOrders, states?: string): Promise<boolean> {
    const task: HostTask = {
      scenario: scenario.name,
      dir: room.home,
      trusted: scenario.found !== true,
      packages: this.#packages,
      scratch: room.scratch,
      ...(states === undefined ? {} : { states }),
    };
    const child = spawn(FAULTY_NODE, [...FAULTS, HOST, JSON.stringify(task)], {
      stdio: ["ignore", "ignore", "pipe"],
      env: {
        ...process.env,
        XDG_CONFIG_HOME: room.config,
        NODE_COMPILE_CACHE: join(this.#folder, "compiled"),
        ...(states === undefined ? faultEnvironment(orders) : {}),
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

function lastOf(states: readonly HomeState[]): HomeState {
  return states.at(-1) ?? new Map<string, string>();
}

/** What was left among the user's settings goes when the operation is done again. */
function isLeftInSettings(difference: string): boolean {
  return /^settings\/\S+\.tmp: /.test(difference);
}

function copy(from: string, to: string): void {
  // With all modes and times, which `cpSync` does not keep for folders.
  if (existsSync(from)) execFileSync("cp", ["-a", from, to]);
}
