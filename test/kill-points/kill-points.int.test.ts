import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RecordedOperation } from "../support/faults/gate.ts";
import { tries } from "../torture.ts";
import { allPoints, killAll } from "./kill-all.ts";
import { type Course, KillRoom } from "./kill-points.ts";
import { SCENARIOS } from "./scenarios.ts";

type Telling = readonly ((operation: RecordedOperation) => boolean)[];

/** Where hosts are killed in the usual suite: in the middle of what takes more than one step. */
const TELLING: Readonly<Record<string, Telling>> = {
  "install into a new home of the user's": [
    ({ kind, path }) => kind === "rename" && path.includes("/trusted/.home."),
    (operation) => isSql(operation, "pragma user_version ="),
    (operation) => isSql(operation, "insert into generations"),
  ],
  disable: [
    (operation) => isSql(operation, "update home set projected"),
    (operation) => operation.kind === "rename" && operation.to.endsWith("/meta.json"),
  ],
  // of the source, which lies in the home or was put aside to be removed
  uninstall: [({ kind, path }) => kind === "rmdir" && /\/(?:home\/roman|staging\/[^/]+)\/tests$/.test(path)],
  "secrets set": [({ kind, path }) => kind === "unlink" && path.includes(".secrets.key.")],
};

function isSql(operation: RecordedOperation, sql: string): boolean {
  return operation.kind === "sql" && operation.sql.startsWith(sql);
}

const room = new KillRoom();
afterAll(() => room.close());

const chosen = SCENARIOS.filter(({ name }) => tries(Number(name in TELLING), 1) === 1);

describe.each(chosen)("$name", (scenario) => {
  let course: Course;
  beforeAll(async () => {
    course = await room.course(scenario);
  });

  it("is done or not done when its host is killed before any of its operations", async () => {
    const { record, seen } = course;
    const telling = (TELLING[scenario.name] ?? []).map((tells) => record.find(tells)?.n ?? -1);
    const usual = [...telling, Math.ceil(seen / 2)];
    const points = tries(0, 1) === 1 ? allPoints(course) : usual;
    const { tried, mixed } = await killAll(room, course, points);
    console.log(`${scenario.name}: ${seen} points seen, ${tried} of ${points.length} tried`);
    expect(mixed).toEqual([]);
    expect(tried).toBe(points.length);
  });

  it.skipIf(scenario.bySkill)(
    "is done or not done when the power fails before any of its operations",
    async () => {
      const step = tries(12, 1), wrong: string[] = [];
      let cuts = 0;
      for await (const { problems, what } of room.powerCuts(course, (n) => n % step === 0)) {
        cuts++;
        if (problems.length > 0) wrong.push(`${what}: ${problems.join("; ")}`);
      }
      expect(wrong).toEqual([]);
      expect(cuts).toBeGreaterThan(0);
    },
  );
});
