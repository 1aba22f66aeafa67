import * as fc from "fast-check";
import { expect, test } from "vitest";
import { tries } from "../torture.ts";
import { capitals, making, right, type Step } from "./capitals.ts";
import { memorySkills } from "./memory-library.ts";
import { scriptedMaker, writes } from "./scripted-maker.ts";

/** What a person, or somebody in their place, sends; digests are taken from what was asked before. */
type Act =
  | { readonly kind: "approve"; readonly which: "now" | "before" | "other" }
  | { readonly kind: "edit"; readonly script: string }
  | { readonly kind: "reject"; readonly retry: boolean }
  | { readonly kind: "junk"; readonly value: unknown };

const act: fc.Arbitrary<Act> = fc.oneof(
  fc.record({
    kind: fc.constant("approve" as const),
    which: fc.constantFrom("now" as const, "before" as const, "other" as const),
  }),
  fc.record({
    kind: fc.constant("edit" as const),
    script: fc.constantFrom("upper # 1", "upper # 2", "lower", "raise"),
  }),
  fc.record({ kind: fc.constant("reject" as const), retry: fc.boolean() }),
  // what is false is no answer: LangGraph refuses it before the graph sees it
  fc.record({ kind: fc.constant("junk" as const), value: fc.jsonValue().filter(Boolean) }),
);

const now: Act = { kind: "approve", which: "now" };
const before: Act = { kind: "approve", which: "before" };
/** Tried in any case. */
const KNOWN: readonly (readonly Act[])[] = [
  [now],
  [{ kind: "edit", script: "upper # 1" }, before, now],
  [{ kind: "edit", script: "lower" }, { kind: "reject", retry: true }, before, now],
];

function answerOf(act: Act, asked: readonly string[]): unknown {
  switch (act.kind) {
    case "approve": {
      const digests = { now: asked.at(-1), before: asked.at(-2) ?? asked.at(-1), other: "0".repeat(64) };
      return { decision: "approve", digest: digests[act.which] };
    }
    case "edit":
      return { decision: "edit", files: { "skill.py": act.script } };
    case "reject":
      return { decision: "reject", reason: "not so", retry: act.retry };
    case "junk":
      return act.value;
    default:
      return act satisfies never;
  }
}

test("no answers in whatever order install anything but the digest that was asked for and approved", async () => {
  let installs = 0, refusals = 0;
  const property = fc.asyncProperty(fc.array(act, { minLength: 1, maxLength: 6 }), async (acts) => {
    const skills = memorySkills(capitals);
    const again = Array.from({ length: 6 }, () => [writes(right), "done"]).flat();
    const { start, resume } = making({ skills, model: scriptedMaker(...again) });
    let step: Step = await start();
    const asked: string[] = [];
    for (const one of acts) {
      if (step.asked === null) break;
      asked.push(step.asked.digest);
      const answer = answerOf(one, asked);
      step = await resume(answer);
      const approved = one.kind === "approve" &&
        (answer as { readonly digest: string }).digest === asked.at(-1);
      const installed = skills.log.filter((line) => line.startsWith("install"));
      expect(installed).toHaveLength(approved ? 1 : 0);
      if (step.asked !== null) refusals++;
      if (!approved) continue;
      installs++;
      expect((await skills.library.info("capitals")).serving?.digest).toBe(asked.at(-1));
    }
  });
  await fc.assert(property, {
    numRuns: tries(12, 2_000),
    examples: KNOWN.map((acts): [Act[]] => [[...acts]]),
  });
  expect(installs).toBeGreaterThan(0);
  expect(refusals).toBeGreaterThan(0);
});
