import { join } from "node:path";
import { KillRoom } from "../kill-points/kill-points.ts";
import { killAll } from "../kill-points/kill-all.ts";
import { SCENARIOS } from "../kill-points/scenarios.ts";
import { faultTrouble, runFaults } from "../faults/run-faults.ts";
import { smallDisk, withoutSmallDisk } from "../faults/small-disk.ts";
import { homeContents } from "../lifecycle/support/home-contents.ts";
import { romanSkill } from "../lifecycle/support/open-home.ts";
import type { Attack, AttackPlace, Attempt } from "./attack.ts";
import { endsWith, succeeds, tryOne } from "./trial.ts";
import { writePackage } from "./write-package.ts";

const KB = 1024;
/** Points at which each operation is killed here. All of them are tried by `npm run torture`. */
const KILLS = 3;
/** Every how many operations one fails here. */
const STEP = 19;
const CHANGES = ["install a new version in the place of a candidate", "activate", "update", "uninstall"];

const killed: Attack = {
  case: 68,
  name: "kill9_at_every_step",
  expected: "held",
  owner: "lifecycle",
  where: "host",
  slow: true,
  run: async (place) => {
    const room = new KillRoom(), attempts: Attempt[] = [];
    place.defer(() => room.close());
    for (const scenario of SCENARIOS.filter(({ name }) => CHANGES.includes(name))) {
      const course = await room.course(scenario);
      const points = Array.from(
        { length: KILLS },
        (_, at) => Math.ceil((course.seen * (at + 1)) / (KILLS + 1)),
      );
      attempts.push(
        await tryOne({
          name: scenario.name,
          expected: "held",
          act: () => killAll(room, course, points),
          right: ({ value }) => value?.mixed.length === 0 && value.tried === points.length,
          escaped: ({ value }) => value !== undefined && value.mixed.length > 0,
          // Left alone, it changes the home.
          control: () => course.seen > KILLS && course.states.length > 1,
        }),
      );
    }
    return attempts;
  },
};

const diskFull: Attack = {
  case: 69,
  name: "enospc_at_every_write",
  expected: "held",
  owner: "lifecycle",
  where: "host",
  slow: true,
  obstacle: () => withoutSmallDisk(),
  run: async (place) => {
    const attempts: Attempt[] = [];
    // Less and less room: it runs out at another write each time.
    for (const room of [0, 4, 16, 32, 64, 96]) attempts.push(await onFullDisk(place, room * KB));
    return attempts;
  },
};

async function onFullDisk(place: AttackPlace, room: number): Promise<Attempt> {
  const disk = smallDisk(8 << 20);
  place.defer(() => disk[Symbol.dispose]());
  const dir = join(disk.dir, "home"), skills = await place.skills({ dir }), { library } = skills;
  const source = (version: string): string =>
    writePackage(place, romanSkill(version, { "data/large.txt": "x".repeat(100 * KB) }));
  await library.install(source("1.0.0"));
  await library.activate("roman");
  const before = JSON.stringify(homeContents(dir)), update = source("2.0.0");
  disk.leave(room);
  const attempt = await tryOne({
    name: `with ${room / KB} KB left`,
    expected: "held",
    act: () => library.install(update),
    right: async (outcome) =>
      endsWith("home_unusable")(outcome) && JSON.stringify(homeContents(dir)) === before &&
      (await skills.run("roman", {}, { tool: "tell" })).value === "1.0.0",
    escaped: ({ value }) => value !== undefined,
    control: "not possible",
  });
  disk.clear();
  return { ...attempt, control: await succeeds(() => library.install(update)) };
}

const diskFailing: Attack = {
  case: 70,
  name: "eio_erofs_eacces_emfile_injection",
  expected: "held",
  owner: "lifecycle",
  where: "host",
  slow: true,
  run: async () => {
    const attempts: Attempt[] = [];
    for (const name of CHANGES) {
      const tried = await runFaults(name, STEP);
      attempts.push(
        await tryOne({
          name,
          expected: "held",
          act: () => Promise.resolve(tried),
          right: ({ value = [] }) =>
            value.length > 1 && value.every((one) => faultTrouble(one).length === 0) &&
            value.some(({ end }) => end !== "done"),
          escaped: ({ value = [] }) => value.some(({ problems }) => problems.length > 0),
          // After its commit nothing stops it.
          control: () => tried.some(({ end }) => end === "done"),
        }),
      );
    }
    return attempts;
  },
};

/** The store under hosts that are killed and disks that fail. */
export const storeFaults: readonly Attack[] = [killed, diskFull, diskFailing];
