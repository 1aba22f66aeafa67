import { allPoints, killAll } from "../../test/kill-points/kill-all.ts";
import { KillRoom } from "../../test/kill-points/kill-points.ts";
import { SCENARIOS } from "../../test/kill-points/scenarios.ts";

/** What killing hosts came to. */
export interface KillPoints {
  /** Operations on files and databases, and starts of processes, that the scenarios take together. */
  readonly kill_points_seen: number;
  /** Those before which a host was killed. */
  readonly kill_points_tried: number;
  /** Homes that were in no state between the scenario's commits, held something left over, or did not go on. */
  readonly mixed_states: number;
}

/** Kills a host before each of the operations that each change of a home takes, and looks at every home. Takes minutes. */
export async function killAtEveryStep(): Promise<KillPoints> {
  const room = new KillRoom();
  let seen = 0, tried = 0, mixed = 0;
  try {
    for (const scenario of SCENARIOS) {
      const course = await room.course(scenario);
      const tally = await killAll(room, course, allPoints(course));
      seen += course.seen;
      tried += tally.tried;
      mixed += tally.mixed.length;
      for (const one of tally.mixed) console.error(`${scenario.name}: ${one}`);
    }
  } finally {
    room.close();
  }
  return { kill_points_seen: seen, kill_points_tried: tried, mixed_states: mixed };
}
