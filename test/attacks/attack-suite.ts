import { describe, expect, test } from "vitest";
import type { BackendName } from "../../src/sandbox/types.ts";
import { backendsHere } from "../sandbox/support.ts";
import { quickAttacks } from "./choose-attacks.ts";
import { RealPlace } from "./place.ts";
import { runAttacks, troubles } from "./run-attacks.ts";

/** The quick attacks as tests on one backend: a file for each, so that they run beside each other. */
export async function attackSuite(backend: BackendName): Promise<void> {
  const backends = await backendsHere();
  const best = backends.find(({ skip }) => skip === undefined)?.name;
  for (const { name, backend: sandbox, skip } of backends.filter((one) => one.name === backend)) {
    describe.skipIf(skip)(`on ${name}${skip === undefined ? "" : ` (skipped: ${skip})`}`, () => {
      const attacks = quickAttacks().filter(({ where }) => where === "each backend" || name === best);
      test.each(attacks)("case $case: $name is $expected", async (attack) => {
        const results = await runAttacks([attack], () => RealPlace.open(sandbox, name));
        expect(results.flatMap(troubles)).toEqual([]);
      });
    });
  }
}
