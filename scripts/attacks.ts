// Tries the attacks of test/attacks on every sandbox that works here, as root and as an ordinary user, on Node and on
// Deno. `--case N` (more than one allowed), `--backend NAME`, `--runtime NAME` narrow it, `--quick` leaves out most of
// the slow ones, `--json` ends with one JSON document on stdout.
import process from "node:process";
import { parseArgs } from "node:util";
import { createSandbox } from "../src/sandbox/create-sandbox.ts";
import type { BackendName } from "../src/sandbox/types.ts";
import type { Attack } from "../test/attacks/attack.ts";
import { quickAttacks } from "../test/attacks/choose-attacks.ts";
import { countAttacks, type Result, troubles } from "../test/attacks/run-attacks.ts";
import { type HostPlace, runHost } from "../test/attacks/start-host.ts";
import { ATTACKS, DEFERRED } from "../test/attacks/table.ts";

const BACKENDS = ["bubblewrap", "landlock"] as const satisfies readonly BackendName[];
const RUNTIMES = ["node", "deno"] as const;

const { values: options } = parseArgs({
  options: {
    case: { type: "string", multiple: true },
    backend: { type: "string" },
    runtime: { type: "string" },
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});
const say = (line: string): void => options.json ? console.error(line) : console.log(line);

const asked = options.case?.map(Number);
const attacks = (options.quick ? quickAttacks() : ATTACKS)
  .filter((attack) => asked?.includes(attack.case) ?? true);
const backends = await usable(
  BACKENDS.filter((name) => options.backend === undefined || name === options.backend),
);
const runtimes = RUNTIMES.filter((name) => options.runtime === undefined || name === options.runtime);
const users = process.getuid?.() === 0 ? ["root", "user"] as const : ["user"] as const;

const results: Result[] = [];
await Promise.all(runtimes.map(async (runtime) => {
  for (const user of users) {
    for (const backend of backends) await tryAll({ runtime, user }, backend);
  }
}));
const totals = countAttacks(attacks, asked === undefined ? DEFERRED : [], results);
if (!options.json) console.log(table());
say(
  `${totals.cases} cases, ${totals.run} run: ${totals.refused} refused, ${totals.denied} denied, ${totals.killed} ` +
    `killed, ${totals.held} held, ${totals.failed} failed, ${totals.escaped} escaped; ${totals.controls} controls`,
);
if (options.json) console.log(JSON.stringify(totals));
process.exitCode = totals.failed + totals.escaped === 0 ? 0 : 1;

/** Backends that work here, the best one first. */
async function usable(names: readonly (typeof BACKENDS)[number][]): Promise<readonly BackendName[]> {
  const reports = await Promise.all(names.map((backend) => createSandbox({ backend }).probe()));
  for (const { backend, usable, missing } of reports) {
    if (!usable) say(`${backend} does not work here: ${missing[0]?.reason}`);
  }
  return names.filter((_, index) => reports[index]?.usable);
}

async function tryAll(place: HostPlace, backend: BackendName): Promise<void> {
  const isFirst = backend === backends[0] && place.user === users[0];
  const chosen = attacks.filter(({ where }) => where === "each backend" || isFirst);
  const why = await runHost(place, { backend, cases: chosen.map((attack) => attack.case) }, (result) => {
    results.push(result);
    for (const line of troubles(result)) say(line);
  });
  if (why !== undefined) say(`${backend} does not work for ${place.user} on ${place.runtime}: ${why}`);
}

function table(): string {
  const later = DEFERRED.filter(() => asked === undefined).map((one) =>
    `${String(one.case).padStart(2)} ${one.name}: issue ${one.issue}, ${one.why}`
  );
  return [...attacks.map(row), ...later].join("\n");
}

function row({ case: number, name, expected, owner }: Attack): string {
  const own = results.filter((result) => result.case === number);
  const tried = own.filter((result) => "attempts" in result);
  const right = tried.filter((result) => result.answer === expected && result.expected === expected);
  const others = tried.filter((result) => !right.includes(result)).map((result) =>
    `${result.answer} ${placeOf(result)}`
  );
  const not = own.map((result) => "why" in result ? `not ${placeOf(result)}: ${result.why}` : "").filter((
    text,
  ) => text !== "");
  const seen = [`${expected} ${right.length}`, ...others, ...not].join("; ");
  const seconds = (Math.max(0, ...tried.map(({ ms }) => ms)) / 1000).toFixed(1);
  return `${String(number).padStart(2)} ${name.padEnd(38)} ${owner.padEnd(11)} ${
    seconds.padStart(5)
  } s  ${seen}`;
}

function placeOf({ backend, user, runtime }: Result): string {
  return `${backend}, ${user}, ${runtime}`;
}
