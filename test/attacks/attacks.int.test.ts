import process from "node:process";
import { describe, expect, test } from "vitest";
import { backendsHere } from "../sandbox/support.ts";
import { quickAttacks } from "./choose-attacks.ts";
import { RealPlace } from "./place.ts";
import { type Result, runAttacks, troubles } from "./run-attacks.ts";
import { runHost } from "./start-host.ts";

const backends = await backendsHere();
const best = backends.find(({ skip }) => skip === undefined)?.name;

for (const { name: backend, backend: sandbox, skip } of backends) {
  describe.skipIf(skip)(`on ${backend}${skip === undefined ? "" : ` (skipped: ${skip})`}`, () => {
    const attacks = quickAttacks().filter(({ where }) => where === "each backend" || backend === best);
    test.each(attacks)("case $case: $name is $expected", async (attack) => {
      const results = await runAttacks([attack], () => RealPlace.open(sandbox, backend));
      expect(results.flatMap(troubles)).toEqual([]);
    });
  });
}

test.skipIf(process.getuid?.() !== 0 || best === undefined)(
  "attacks by a host of an ordinary user come to the same",
  async () => {
    const results: Result[] = [];
    const runtime = "Deno" in globalThis ? "deno" : "node";
    const cases = [2, 8, 17, 22, 23];
    const why = await runHost({ runtime, user: "user" }, { backend: best ?? "landlock", cases }, (result) => {
      results.push(result);
    });
    expect(why).toBeUndefined();
    expect(results.flatMap(troubles)).toEqual([]);
    expect(results.map((result) => result.user)).toEqual(cases.map(() => "user"));
  },
);
