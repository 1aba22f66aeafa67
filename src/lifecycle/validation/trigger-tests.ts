import { z } from "zod";
import { SkillError } from "../../base/errors.ts";
import type { SearchDocument, TrialAnswer } from "../../discovery/types.ts";
import { isRunnable } from "../records/status.ts";
import type { TriggerResult, TriggerTest } from "../test-report.ts";
import { readPackageLines } from "./package-lines.ts";

/** Tries where a skill's document stands among those that pass the filter, sentence by sentence. */
export type TriggerTrial = (
  document: SearchDocument,
  texts: readonly string[],
  filter: (document: SearchDocument) => boolean,
) => Promise<TrialAnswer>;

const FILE = "tests/triggers.jsonl";
const BOUNDS = { most: 200, fileBytes: 256 * 1024 } as const;
/** A sentence that should find the skill may find some before it; one that should not must not find it first. */
const DEFAULT_TOP = { find: 3, not: 1 } as const;
const MAX_NAMED = 3;

const triggerTest = z.strictObject({
  text: z.string().trim().min(1).max(1000),
  find: z.boolean(),
  top: z.int().min(1).max(20).optional(),
});

/** Reads `tests/triggers.jsonl` of a package: one sentence a line. @throws {SkillError} `invalid_package` naming the line */
export async function readTriggerTests(packageDir: string): Promise<readonly TriggerTest[]> {
  const lines = await readPackageLines(packageDir, FILE, BOUNDS);
  return lines.map(({ place, value }) => {
    const { success, data, error } = triggerTest.safeParse(value);
    if (success) return data;
    const issue = error.issues[0];
    const what = [issue?.path.join("."), issue?.message].filter(Boolean).join(": ");
    throw new SkillError("invalid_package", `${place}: ${what}`, {
      fix: 'write it like {"text": "what is 1994 in roman numerals", "find": true}',
    });
  });
}

/**
 * Whether each sentence finds the skill as it should, among the active skills of the home and as the search of an agent
 * would: what is far from a sentence is not found. Without a working model nothing is judged.
 */
export async function runTriggerTests(
  tests: readonly TriggerTest[],
  document: SearchDocument,
  trial: TriggerTrial,
): Promise<readonly TriggerResult[]> {
  if (tests.length === 0) return [];
  const answer = await trial(
    document,
    tests.map(({ text }) => text),
    ({ facets }) => isRunnable(facets["status"] as Parameters<typeof isRunnable>[0]),
  );
  return tests.map((test, at) => judge(test, answer, at));
}

function judge(test: TriggerTest, { places, degraded }: TrialAnswer, at: number): TriggerResult {
  const { rank = null, ahead = [] } = places[at] ?? {};
  if (degraded !== undefined) {
    return { test, status: "skipped", rank: null, message: `by words only: ${degraded}` };
  }
  const top = test.top ?? (test.find ? DEFAULT_TOP.find : DEFAULT_TOP.not);
  const found = rank !== null && rank <= top;
  if (found === test.find) return { test, status: "passed", rank };
  return {
    test,
    status: "failed",
    rank,
    message: test.find ? missing(rank, ahead) : `it finds the skill as number ${rank ?? 1}`,
  };
}

function missing(rank: number | null, ahead: readonly string[]): string {
  if (rank === null) return "it is too far from the skill's description and triggers";
  const others = ahead.length > MAX_NAMED ? " and others" : "";
  return `it finds ${ahead.slice(0, MAX_NAMED).join(", ")}${others} first, the skill as number ${rank}`;
}
