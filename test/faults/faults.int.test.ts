import { describe, expect, it } from "vitest";
import { SCENARIOS } from "../kill-points/scenarios.ts";
import { tries } from "../torture.ts";
import { faultTrouble, runFaults } from "./run-faults.ts";

/** What the usual suite tries: what writes much, and what changes a status. */
const USUAL = ["install a new version in the place of a candidate", "uninstall"];
const ALL = SCENARIOS.map(({ name }) => name);
const STEP = tries(17, 1);

describe.skipIf("Deno" in globalThis)(
  "a disk that fails (on Node: the faults are put into its modules)",
  () => {
    it.each(tries(0, 1) === 1 ? ALL : USUAL)(
      "gives a typed error and leaves the old state, or the new one, of: %s",
      async (scenario) => {
        const tried = await runFaults(scenario, STEP);
        expect(tried.flatMap(faultTrouble)).toEqual([]);
        expect(tried.length).toBeGreaterThan(3);
        // control: some of the faults did stop it, and after the commit none does
        const ends = new Set(tried.map(({ end }) => end));
        expect([...ends].sort()).toEqual(["done", "home_unusable"]);
      },
      tries(60_000, 900_000),
    );
  },
);
