import { expect, test } from "vitest";
import { quickAttacks } from "./choose-attacks.ts";
import { countAttacks } from "./run-attacks.ts";
import { ATTACKS, DEFERRED, SLOW_IN_CI } from "./table.ts";

test("the table of attacks holds each of the 98 cases once", () => {
  const cases = [...ATTACKS, ...DEFERRED].map((entry) => entry.case).sort((one, other) => one - other);
  expect(cases).toEqual(Array.from({ length: 98 }, (_, index) => index + 1));
});

test("the table of attacks gives each case a name of its own", () => {
  const names = [...ATTACKS, ...DEFERRED].map(({ name }) => name);
  expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([]);
});

test("the table of attacks says why a case is tried on some backends only", () => {
  expect(ATTACKS.filter(({ backends, why }) => backends !== undefined && why === undefined)).toEqual([]);
});

test("a quick run tries all fast cases and at least a tenth of the slow ones", () => {
  const slow = ATTACKS.filter((attack) => attack.slow === true).map(({ name }) => name);
  expect(SLOW_IN_CI.filter((name) => !slow.includes(name))).toEqual([]);
  expect(SLOW_IN_CI.length * 10).toBeGreaterThanOrEqual(slow.length);
  expect(quickAttacks().length).toBe(ATTACKS.length - slow.length + SLOW_IN_CI.length);
});

test("countAttacks counts a case as what it came to everywhere, and as escaped when it got through once", () => {
  const where = { backend: "landlock", user: "user", runtime: "node" } as const;
  const tried = (number: number, answer: "denied" | "escaped" | "failed", control: boolean) =>
    ({
      ...where,
      case: number,
      expected: "denied",
      answer,
      attempts: [{ name: "it", answer, control }],
      ms: 1,
    }) as const;
  const attack = (number: number) =>
    ({
      case: number,
      name: `case_${number}`,
      expected: "denied",
      owner: "sandbox",
      where: "each backend",
      run: () => Promise.resolve([]),
    }) as const;
  const results = [
    tried(1, "denied", true),
    tried(1, "denied", true),
    tried(2, "denied", true),
    tried(2, "escaped", true),
    tried(3, "denied", true),
    tried(3, "failed", false),
    { ...where, case: 4, why: "no network" },
  ];
  const later = [{ case: 5, name: "later", issue: 9, why: "not built" }];
  expect(countAttacks([1, 2, 3, 4].map(attack), later, results)).toEqual({
    cases: 5,
    run: 3,
    refused: 0,
    denied: 1,
    killed: 0,
    held: 0,
    failed: 1,
    escaped: 1,
    controls: 3,
    deferred: [{ case: 5, issue: 9 }],
    not_here: [{ case: 4, why: "no network" }],
  });
});
