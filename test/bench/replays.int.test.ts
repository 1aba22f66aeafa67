import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import type { MakingRecording } from "../../bench/making/recording.ts";
import { replayAll, type Replayed } from "../../bench/making/replay.ts";
import { summarize } from "../../bench/making/summary.ts";
import { readTasks } from "../../bench/making/task.ts";
import { tries } from "../torture.ts";

const data = (name: string): string => fileURLToPath(new URL(`../data/toolmaking/${name}`, import.meta.url));
const RECORDINGS = fileURLToPath(new URL("../recordings", import.meta.url));
const tasks = [data("tasks.jsonl"), data("own.jsonl")].flatMap(readTasks);
const folder = mkdtempSync(join(tmpdir(), "skillwright-replays-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Repair, a variant, reuse, a service. The evaluation, which is a step of CI, and `npm run torture` replay all. */
const SAMPLE = [
  "exercism/pig-latin",
  "own/exchange-rates",
  "own/slug-with-separator",
  "own/address-part-of-a-title",
  "own/file-sizes",
];

const recordingsOf = (task: string): readonly string[] =>
  readdirSync(RECORDINGS).filter((name) => name.endsWith(`-${task.replace("/", "-")}.json`))
    .map((name) => join(RECORDINGS, name));
let homes = 0;
const replay = (from: string, only: readonly string[] | undefined): Promise<Replayed> =>
  replayAll(from, tasks, { dir: join(folder, `home-${++homes}`), only });

describe("the recorded makers", () => {
  test(
    "solve their tasks on the hidden checks, by repair and by reuse, with nothing installed that fails",
    async () => {
      const { rows } = await replay(RECORDINGS, tries(0, 1) === 1 ? undefined : SAMPLE);
      const unsolved = rows.filter(({ solved, not_here }) => !solved && not_here === undefined);
      expect(unsolved).toEqual([]);
      expect(rows.length).toBeGreaterThanOrEqual(SAMPLE.length);
      expect(summarize(rows)).toMatchObject({
        reused: 1,
        wrong_reuse: 0,
        installed_failing_own_tests: 0,
        installed_without_approval: 0,
      });
      expect(rows.filter(({ repaired }) => repaired).map(({ task }) => task)).toEqual(
        expect.arrayContaining(["exercism/pig-latin", "own/file-sizes"]),
      );
      const variant = rows.find(({ task }) => task === "own/slug-with-separator");
      expect(variant).toMatchObject({ outcome: "installed", skill_id: "slugify" });
      // one home for all, so this is one test, however many skills are made in it
    },
    600_000,
  );
});

describe("the replay of a maker", () => {
  /** A folder with the recording of one task, changed. */
  function changed(task: string, change: (text: string) => string): string {
    const into = join(folder, `changed-${++homes}`), name = `01-${task.replace("/", "-")}.json`;
    mkdirSync(into);
    const [file = ""] = recordingsOf(task);
    cpSync(file, join(into, name));
    const before = readFileSync(file, "utf8"), after = change(before);
    expect(after).not.toBe(before);
    writeFileSync(join(into, name), after);
    return into;
  }

  test("refuses a repair when the version before failed otherwise than recorded", async () => {
    const from = changed(
      "own/running-mean",
      (text) => text.replace("numbers.append(number)", "numbers.append(-1)"),
    );
    const { rows: [row] } = await replay(from, undefined);
    expect(row).toMatchObject({ outcome: "failed", rounds: 2, solved: false });
    expect(row?.why).toContain("the request does not hold what recorded answer 3 stands on");
  });

  test("refuses to go on when a call fails that went well when it was recorded", async () => {
    const from = changed(
      "exercism/perfect-numbers",
      (text) => text.replace("total == number", "total = number"),
    );
    const { rows: [row] } = await replay(from, undefined);
    expect(row).toMatchObject({ outcome: "failed", solved: false });
    expect(row?.why).toContain("the calls before recorded answer 2 went otherwise than recorded");
  });

  test("says which recordings were made with other prompts than the maker gets now", async () => {
    const from = changed(
      "own/address-part-of-a-title",
      (text) => text.replace(/"prompts": "\w+"/, '"prompts": "0"'),
    );
    const { rows, drifted } = await replay(from, undefined);
    expect(drifted).toEqual(["own/address-part-of-a-title"]);
    expect(rows).toMatchObject([{ outcome: "existing_match", reused: true, solved: true }]);
  });
});

test("every recording says who played the maker, and of the careless ones at least four that it was on purpose", () => {
  const careless = tasks.flatMap(({ id }) => recordingsOf(id)).map((file) => {
    const { source, turns } = JSON.parse(readFileSync(file, "utf8")) as MakingRecording;
    expect(source).toMatch(/^a language model/);
    return turns.length > 3 && source.includes("on purpose");
  });
  expect(careless.length).toBeGreaterThanOrEqual(18);
  expect(careless.filter(Boolean).length).toBeGreaterThanOrEqual(4);
});
