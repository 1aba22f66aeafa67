import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SkillError } from "../../../src/base/errors.ts";
import {
  fulfils,
  type Offer,
  resolveDependencies,
  shown,
  type Supply,
  versionAs,
} from "../../../src/lifecycle/dependencies/resolve.ts";

function offer(
  text: string,
  dependencies: Readonly<Record<string, string>> = {},
  rest: Partial<Pick<Offer, "provides" | "installed">> = {},
): Offer {
  const [id = "", version = ""] = text.split(" ");
  return { id, version, dependencies, provides: {}, installed: false, ...rest };
}

/** All that is there, by every name that it can stand for. */
function supply(...all: readonly Offer[]): Supply {
  const names = new Set(all.flatMap((one) => [one.id, ...Object.keys(one.provides)]));
  const offers = new Map(
    [...names].map((name) => [name, all.filter((one) => versionAs(one, name) !== undefined)]),
  );
  return { offers, kept: all.filter(({ installed }) => installed) };
}

function order(root: Offer, ...all: readonly Offer[]): readonly string[] {
  return resolveDependencies(root, supply(...all)).map(shown);
}

function failure(root: Offer, ...all: readonly Offer[]): SkillError {
  try {
    resolveDependencies(root, supply(...all));
  } catch (error) {
    if (SkillError.isInstance(error)) return error;
    throw error;
  }
  throw new Error("it was resolved");
}

describe("resolveDependencies", () => {
  it("gives what is needed first, each once, the skill itself last", () => {
    const root = offer("app 1.0.0", { report: "^2.0.0", "git-utils": "^1.0.0" });
    const report = offer("report 2.1.0", { "git-utils": ">=1.2.0" });
    expect(order(root, report, offer("git-utils 1.3.0"), offer("unasked 1.0.0"))).toEqual([
      "git-utils 1.3.0",
      "report 2.1.0",
      "app 1.0.0",
    ]);
    expect(order(offer("alone 1.0.0"))).toEqual(["alone 1.0.0"]);
  });

  it("takes what is installed before what would have to be, unless its version does not fit", () => {
    const installed = offer("git-utils 1.0.0", {}, { installed: true });
    const newer = offer("git-utils 1.5.0");
    expect(order(offer("app 1.0.0", { "git-utils": "^1.0.0" }), installed, newer)[0]).toBe("git-utils 1.0.0");
    expect(order(offer("app 1.0.0", { "git-utils": "^1.2.0" }), installed, newer)[0]).toBe("git-utils 1.5.0");
  });

  it("takes who provides a skill in the version that it provides", () => {
    const black = offer("black 9.0.0", {}, { provides: { "code-formatter": "1.2.0" } });
    expect(order(offer("app 1.0.0", { "code-formatter": "^1.1.0" }), black)).toEqual([
      "black 9.0.0",
      "app 1.0.0",
    ]);
    expect(failure(offer("app 1.0.0", { "code-formatter": "^9.0.0" }), black).message).toContain(
      "there is only 1.2.0",
    );
  });

  it("goes back to a choice that leads nowhere", () => {
    const root = offer("app 1.0.0", { x: "*", y: "*" });
    const y = offer("y 1.0.0", { x: "^1.0.0" });
    expect(order(root, offer("x 2.0.0"), offer("x 1.0.0"), y)).toEqual(["x 1.0.0", "y 1.0.0", "app 1.0.0"]);
  });

  it("says what is missing, who asks for it, and what is there instead", () => {
    const report = offer("report 2.0.0", { "git-utils": "^1.0.0" });
    const root = offer("app 1.0.0", { report: "^2.0.0" });
    expect(failure(root, report)).toMatchObject({
      code: "dependency_unsatisfiable",
      message: '"report 2.0.0" needs "git-utils" ^1.0.0, which is neither installed nor in the home' +
        " (app 1.0.0 -> report 2.0.0 -> git-utils ^1.0.0)",
      fix: expect.stringContaining('install a version of "git-utils" that fits ^1.0.0'),
      details: {
        missing: { name: "git-utils", range: "^1.0.0" },
        chain: ["app 1.0.0", "report 2.0.0", "git-utils ^1.0.0"],
      },
    });
    expect(failure(root, report, offer("git-utils 2.0.0")).message).toContain("and there is only 2.0.0");
  });

  it("shows the chain of each side of a conflict", () => {
    const root = offer("app 1.0.0", { x: "^1.0.0", y: "*" });
    const error = failure(root, offer("x 1.0.0"), offer("x 2.0.0"), offer("y 1.0.0", { x: "^2.0.0" }));
    const chains = [["app 1.0.0", "x ^1.0.0"], ["app 1.0.0", "y 1.0.0", "x ^2.0.0"]];
    expect(error).toMatchObject({ code: "dependency_unsatisfiable", details: { conflict: "x", chains } });
    for (const chain of chains) expect(error.message).toContain(chain.join(" -> "));
  });

  it("refuses to replace what an installed skill needs, and shows both chains", () => {
    const old = offer("x 1.0.0", {}, { installed: true });
    const user = offer("user 3.0.0", { x: "^1.0.0" }, { installed: true });
    const root = offer("app 1.0.0", { x: "^2.0.0" });
    expect(failure(root, old, offer("x 2.0.0"), user).details).toEqual({
      conflict: "x",
      chains: [["app 1.0.0", "x 2.0.0"], ["user 3.0.0", "x ^1.0.0"]],
    });
    expect(failure(offer("x 2.0.0"), old, user).details).toEqual({
      conflict: "x",
      chains: [["x 2.0.0"], ["user 3.0.0", "x ^1.0.0"]],
    });
    expect(order(offer("x 1.1.0"), old, user)).toEqual(["x 1.1.0"]);
    const stands = offer("other 1.0.0", {}, { installed: true, provides: { x: "1.9.0" } });
    expect(order(root, old, offer("x 2.0.0"), user, stands)).toEqual(["x 2.0.0", "app 1.0.0"]);
  });

  it("shows the way round when skills need one another", () => {
    const root = offer("a 1.0.0", { b: "*" });
    const error = failure(root, offer("b 1.0.0", { c: "*" }), offer("c 1.0.0", { a: "^1.0.0" }));
    expect(error).toMatchObject({
      code: "dependency_unsatisfiable",
      details: { cycle: ["a 1.0.0", "b 1.0.0", "c 1.0.0", "a 1.0.0"] },
    });
  });

  it("does not take a skill for what it needs itself", () => {
    const black = offer("black 1.0.0", { formatter: "*" }, { provides: { formatter: "1.0.0" } });
    expect(failure(offer("app 1.0.0", { black: "*" }), black).details).toMatchObject({
      missing: { name: "formatter" },
    });
  });

  it("ends where there are too many ways", () => {
    const ids = Array.from({ length: 30 }, (_, n) => `s${n}`);
    const all = ids.flatMap((id, n) =>
      ["1.0.0", "2.0.0", "3.0.0"].map((v) =>
        offer(`${id} ${v}`, n < 29 ? { [`s${n + 1}`]: "*" } : { none: "^1.0.0" })
      )
    );
    expect(failure(offer("app 1.0.0", { s0: "*" }), ...all).code).toBe("dependency_unsatisfiable");
    const wide = Object.fromEntries(Array.from({ length: 5000 }, (_, n) => [`w${n}`, "*"]));
    const many = Object.keys(wide).map((id) => offer(`${id} 1.0.0`));
    expect(failure(offer("app 1.0.0", wide), ...many).message).toContain("too many");
  });
});

const NAMES = ["a", "b", "c", "d"] as const;
const VERSIONS = ["1.0.0", "1.1.0", "2.0.0"] as const;
const range = fc.constantFrom("^1.0.0", ">=1.1.0", "^2.0.0", "*", "1.0.0");
const someRanges = fc.dictionary(fc.constantFrom(...NAMES), range, { maxKeys: 2 });
const someOffer = fc.record({
  id: fc.constantFrom(...NAMES),
  version: fc.constantFrom(...VERSIONS),
  dependencies: someRanges,
  provides: fc.dictionary(fc.constantFrom(...NAMES), fc.constantFrom(...VERSIONS), { maxKeys: 1 }),
  installed: fc.boolean(),
}).map((one): Offer => ({
  ...one,
  dependencies: without(one.dependencies, one.id),
  provides: without(one.provides, one.id),
}));
const world = fc.record({
  root: fc.dictionary(fc.constantFrom(...NAMES), range, { minKeys: 1, maxKeys: 3 }),
  all: fc.uniqueArray(someOffer, { maxLength: 7, selector: shown }),
});

function without(table: Readonly<Record<string, string>>, key: string): Record<string, string> {
  return Object.fromEntries(Object.entries(table).filter(([name]) => name !== key));
}

/** Whether one version of some of the skills does for all of them: by trying every combination. */
function exists(root: Offer, all: readonly Offer[]): boolean {
  const ways = NAMES.map((name) => [undefined, ...all.filter(({ id }) => id === name)]);
  const combine = (at: number, chosen: readonly Offer[]): boolean =>
    at === ways.length
      ? isOrderable(root, chosen)
      : (ways[at] ?? []).some((one) => combine(at + 1, one === undefined ? chosen : [...chosen, one]));
  return combine(0, []);
}

function isOrderable(root: Offer, chosen: readonly Offer[]): boolean {
  const placed: Offer[] = [];
  for (let more = true; more;) {
    const next = chosen.find((one) => !placed.includes(one) && hasAll(one, placed));
    more = next !== undefined;
    if (next !== undefined) placed.push(next);
  }
  return hasAll(root, placed);
}

function hasAll({ dependencies }: Offer, placed: readonly Offer[]): boolean {
  return Object.entries(dependencies).every(([name, wanted]) =>
    placed.some((one) => fulfils(one, name, wanted))
  );
}

describe("resolveDependencies for anything that is there", () => {
  it("finds a set of versions exactly when there is one", () => {
    fc.assert(
      fc.property(world, ({ root: dependencies, all }) => {
        const root = offer("root 1.0.0", dependencies);
        const found = attempt(root, { ...supply(...all), kept: [] });
        expect(found !== undefined).toBe(exists(root, all));
      }),
      { numRuns: 500 },
    );
  });

  it("gives an order in which each finds what it needs, one version of each skill, and breaks nobody", () => {
    fc.assert(
      fc.property(world, ({ root: dependencies, all }) => {
        const root = offer("root 1.0.0", dependencies);
        const given = supply(...all);
        const found = attempt(root, given);
        fc.pre(found !== undefined);
        expect(found.at(-1)).toBe(root);
        expect(new Set(found.map(({ id }) => id)).size).toBe(found.length);
        expect(found.filter((one, at) => !hasAll(one, found.slice(0, at)))).toEqual([]);
        const before = all.filter(({ installed }) => installed);
        const stays = before.filter(({ id }) => !found.some((one) => one.id === id));
        const broken = stays.flatMap((one) =>
          Object.entries(one.dependencies).filter(([name, wanted]) => {
            const does = (other: Offer): boolean => other.id !== one.id && fulfils(other, name, wanted);
            return before.some(does) && ![...found, ...stays].some(does);
          })
        );
        expect(broken).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  it("throws nothing but a SkillError that says why", () => {
    fc.assert(fc.property(world, ({ root: dependencies, all }) => {
      const error = thrown(() => resolveDependencies(offer("root 1.0.0", dependencies), supply(...all)));
      fc.pre(error !== undefined);
      expect(error).toMatchObject({ code: "dependency_unsatisfiable", fix: expect.any(String) });
      const { missing, chains, cycle } = (error as SkillError).details ?? {};
      expect(missing ?? chains ?? cycle).toBeDefined();
    }));
  });
});

function thrown(act: () => unknown): unknown {
  try {
    act();
    return undefined;
  } catch (error) {
    return error;
  }
}

function attempt(root: Offer, given: Supply): readonly Offer[] | undefined {
  try {
    return resolveDependencies(root, given);
  } catch (error) {
    if (SkillError.isInstance(error)) return undefined;
    throw error;
  }
}
