import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { TrialAnswer } from "../../../src/discovery/types.ts";
import { readTriggerTests, runTriggerTests } from "../../../src/lifecycle/validation/trigger-tests.ts";
import { sample } from "../../discovery/samples.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "skillwright-triggers-"));
  await mkdir(join(dir, "tests"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const write = (text: string) => writeFile(join(dir, "tests", "triggers.jsonl"), text);

test("readTriggerTests reads sentences, skips blank lines, and gives none when there is no file", async () => {
  expect(await readTriggerTests(dir)).toEqual([]);
  await write(
    '{"text": "what is 1994 in roman numerals", "find": true}\n\n{"text": " b ", "find": false, "top": 5}\r\n',
  );
  expect(await readTriggerTests(dir)).toEqual([
    { text: "what is 1994 in roman numerals", find: true },
    { text: "b", find: false, top: 5 },
  ]);
});

test.each<[string, string, string]>([
  ["no JSON", '{"text": "a", "find": true}\n{"text"', "line 2"],
  ["a sentence without find", '{"text": "a"}', "line 1: find"],
  ["an empty sentence", '{"text": " ", "find": true}', "line 1: text"],
  ["a key that is not known", '{"text": "a", "find": true, "rank": 1}', "line 1"],
  ["a top of 0", '{"text": "a", "find": true, "top": 0}', "line 1: top"],
  ["a list", "[1]", "line 1"],
  ["a text that is far too long", `{"text": "${"x".repeat(1_001)}", "find": true}`, "line 1: text"],
  ["too many lines", '{"text": "a", "find": true}\n'.repeat(201), "the limit is 200"],
  ["too many bytes", " ".repeat(300_000), "the limit is 262144"],
])("readTriggerTests refuses %s and names the line", async (_, text, said) => {
  await write(text);
  await expect(readTriggerTests(dir)).rejects.toMatchObject({
    code: "invalid_package",
    message: expect.stringContaining(said),
  });
});

const run = (find: boolean, rank: number | null, top?: number, more: Partial<TrialAnswer> = {}) =>
  runTriggerTests(
    [{ text: "s", find, top }],
    sample("mine"),
    () =>
      Promise.resolve({ places: [{ rank, ahead: ["x", "y", "z", "w"].slice(0, (rank ?? 1) - 1) }], ...more }),
  ).then(([result]) => result);

test.each<[boolean, number | null, number | undefined, string]>([
  [true, 1, undefined, "passed"],
  [true, 3, undefined, "passed"],
  [true, 4, undefined, "failed"],
  [true, 4, 4, "passed"],
  [true, 2, 1, "failed"],
  [true, null, undefined, "failed"],
  [false, 1, undefined, "failed"],
  [false, 2, undefined, "passed"],
  [false, 2, 2, "failed"],
  [false, null, undefined, "passed"],
])("runTriggerTests with find %s and rank %s, top %s, is %s", async (find, rank, top, status) => {
  expect(await run(find, rank, top)).toMatchObject({ status, rank });
});

test("runTriggerTests says what stands before the skill, or that nothing is near", async () => {
  expect((await run(true, 5))?.message).toBe("it finds x, y, z and others first, the skill as number 5");
  expect((await run(true, null))?.message).toContain("too far");
});

test("runTriggerTests without a model judges nothing and says why", async () => {
  expect(await run(true, null, undefined, { places: [], degraded: "no addon" })).toMatchObject({
    status: "skipped",
    message: "by words only: no addon",
  });
});

test("runTriggerTests tries among active skills alone", async () => {
  const asked: boolean[] = [];
  await runTriggerTests([{ text: "s", find: true }], sample("mine"), (_document, _texts, filter) => {
    asked.push(...["active", "disabled"].map((status) => filter(sample("other", { facets: { status } }))));
    return Promise.resolve({ places: [{ rank: 1, ahead: [] }] });
  });
  expect(asked).toEqual([true, false]);
});
