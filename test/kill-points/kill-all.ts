import type { Course, KillRoom } from "./kill-points.ts";

/** What came of killing a host at some of its points. */
export interface KillTally {
  /** Points before which it was killed. */
  readonly tried: number;
  /** What was wrong with the homes that it left, by point. */
  readonly mixed: readonly string[];
}

/** Kills the host of a scenario before each of the given operations, two at a time. */
export async function killAll(room: KillRoom, course: Course, points: readonly number[]): Promise<KillTally> {
  const waiting = [...points], mixed: string[] = [];
  let tried = 0;
  const work = async (): Promise<void> => {
    for (let n = waiting.shift(); n !== undefined; n = waiting.shift()) {
      const verdict = await room.kill(course, n);
      if (verdict === undefined) continue;
      tried++;
      if (verdict.problems.length > 0) {
        mixed.push(`before ${described(course, n)}: ${verdict.problems.join("; ")}`);
      }
    }
  };
  await Promise.all([work(), work()]);
  return { tried, mixed };
}

/** All points of a scenario. */
export function allPoints({ seen }: Course): readonly number[] {
  return Array.from({ length: seen }, (_, before) => before + 1);
}

function described({ record, place }: Course, n: number): string {
  const operation = record.filter((one) => one.n !== null)[n - 1];
  return `operation ${n}, ${operation?.kind ?? "none"} of ${operation?.path.replace(place, "") ?? ""}`;
}
