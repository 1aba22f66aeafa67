// Does operations to homes whose disk fails, one try after the other, and prints what came of each as a line of JSON:
// `host.ts <order>`. For Node: the gate sits in its own modules.
import { cpSync, existsSync, mkdirSync, realpathSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import type { OpenedLibrary } from "../../src/lifecycle/library.ts";
import type { FaultCode } from "../support/faults/gate.ts";
import { installGate } from "../support/faults/install.ts";

/** What the host is told. */
export interface FaultOrder {
  /** An empty folder. */
  readonly folder: string;
  readonly scenario: string;
  /** Every how many operations one fails, from one of the first on. */
  readonly step: number;
  /** What they fail with, in turn. */
  readonly codes: readonly FaultCode[];
}

/** One try. */
export interface FaultTry {
  readonly code: FaultCode;
  readonly at: number;
  /** Whether everything after it failed too. */
  readonly lasting: boolean;
  /** `done`, or the code of the error, or what was thrown that has none. */
  readonly end: string;
  /** What is wrong with the home that was left; none when all is well. */
  readonly problems: readonly string[];
}

/** The methods of `HomeDb` that are watched. */
type Watched = Record<"project" | "write", (this: object, ...given: unknown[]) => Promise<unknown>>;

const gate = await installGate();
// What the gate is to see is loaded after it.
const { SkillError } = await import("../../src/base/errors.ts");
const { createEnvironments } = await import("../../src/environment/create-environments.ts");
const { HomeDb } = await import("../../src/lifecycle/storage/home-db.ts");
const { openLibrary } = await import("../../src/lifecycle/library.ts");
const { createRunner } = await import("../../src/runner/runner.ts");
const { createSandbox } = await import("../../src/sandbox/create-sandbox.ts");
const { differences, homeState } = await import("../kill-points/home-state.ts");
const { SCENARIOS, writePackages } = await import("../kill-points/scenarios.ts");

/** What stays where nothing can be removed: it goes when the process is gone. */
const STAYS =
  /^(?:\.state\/staging\/|\.runtime(?:\/[^/]+)?(?:\/builds.*)?:|settings\/skillwright\/\..*\.tmp)/;

type HomeState = ReturnType<typeof homeState>;
type Work = (library: OpenedLibrary, packages: string) => Promise<unknown>;

const database = HomeDb.prototype as unknown as Watched;
const order = JSON.parse(process.argv[2] ?? "") as FaultOrder;
const folder = realpathSync(order.folder), packages = join(folder, "packages");
const scenario = SCENARIOS.find(({ name }) => name === order.scenario);
if (scenario === undefined) throw new Error(`no scenario ${order.scenario}`);
/** Opening a home takes some operations; this one is among them. */
const FIRST = 5;
const environments = createEnvironments();
const runner = createRunner({
  sandbox: createSandbox({ backend: "unsafe-none" }),
  scratchRoot: join(folder, "scratch"),
});

writePackages(packages);
const start = room("start");
if (scenario.prepare !== undefined) await open(start, scenario.prepare);
const states = await course();
for (let at = Math.min(FIRST, order.step), tried = 0;; at += order.step, tried++) {
  const code = order.codes[tried % order.codes.length] ?? "EIO", lasting = tried % 3 === 2;
  const done = await fail(at, code, lasting);
  if (done === undefined) break;
  console.log(JSON.stringify(done));
}
await runner.close();

/** A home and the settings of a user. */
interface Room {
  readonly home: string;
  readonly config: string;
}

/** Makes the folder of a room, as another is. */
function room(name: string, from?: Room): Room {
  const place = join(folder, name);
  const made = { home: join(place, "home"), config: join(place, "config") };
  rmSync(place, { recursive: true, force: true });
  mkdirSync(place);
  for (const part of ["home", "config"] as const) {
    if (from === undefined || !existsSync(from[part])) continue;
    cpSync(from[part], made[part], { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
  }
  return made;
}

/** Opens a home as its user, does something, and closes it. */
async function open({ home, config }: Room, work: Work): Promise<void> {
  process.env["XDG_CONFIG_HOME"] = config;
  const library = await openLibrary({
    dir: home,
    trusted: scenario?.found !== true,
    environments,
    runner,
  });
  try {
    await work(library, packages);
  } finally {
    await library.close();
  }
}

/** The home as it is after each commit, when nothing fails. */
async function course(): Promise<readonly HomeState[]> {
  const { project } = database;
  const whole = room("whole", start);
  const found = [await settled(room("before", start))];
  let commits = 0;
  database.project = async function (...given) {
    await project.apply(this, given);
    commits++;
  };
  await open(whole, scenario?.perform ?? (() => Promise.resolve()));
  database.project = project;
  if (commits > 1) found.push(...await between(commits));
  return [...found, await settled(whole)];
}

/** The states after all commits but the last: what an operation that takes several can be left in. */
async function between(commits: number): Promise<readonly HomeState[]> {
  const { write } = database;
  const found: HomeState[] = [];
  for (let most = 1; most < commits; most++) {
    let done = 0;
    database.write = function (...given) {
      return done++ < most ? write.apply(this, given) : Promise.reject(new Error("enough"));
    };
    const place = room("between", start);
    await open(place, scenario?.perform ?? (() => Promise.resolve())).catch(() => {});
    database.write = write;
    found.push(await settled(place));
  }
  return found;
}

/** What a home is once it was opened by somebody whose disk works. */
async function settled(place: Room): Promise<HomeState> {
  await open(place, () => Promise.resolve());
  return homeState(place);
}

async function fail(at: number, code: FaultCode, lasting: boolean): Promise<FaultTry | undefined> {
  const place = room("try", start);
  gate.arm({
    within: [place.home, place.config],
    syncs: true,
    failWith: { code, at, lasting },
  });
  const end = await open(place, scenario?.perform ?? (() => Promise.resolve())).then(() => "done", codeOf);
  const { seen } = gate;
  gate.disarm();
  if (seen < at) return undefined;
  return { code, at, lasting, end, problems: await look(place, end, lasting) };
}

function codeOf(error: unknown): string {
  if (SkillError.isInstance(error)) return error.code;
  return `without a type: ${(error as Error).stack ?? String(error)}`;
}

/** The state is the new one if the operation was done, else one of those before. */
async function look(place: Room, end: string, lasting: boolean): Promise<readonly string[]> {
  const last = states.at(-1) ?? new Map<string, string>();
  const found = await settled(place);
  const wanted = end === "done" ? [last] : states.slice(0, -1);
  const all = wanted.map((state) =>
    differences(found, state, last).filter((one) => !(lasting && STAYS.test(one)))
  );
  return all.toSorted((one, other) => one.length - other.length)[0] ?? [];
}
