import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { AuditRecord } from "../../src/lifecycle/records/audit.ts";
import type { OpenedLibrary } from "../../src/lifecycle/library.ts";
import { loadPythonRegistry } from "../../src/lifecycle/projections/python-registry.ts";
import type { Runner } from "../../src/runner/types.ts";
import { tries } from "../torture.ts";
import { type TestHome, testHome } from "./support/open-home.ts";
import type { Step } from "./support/racer.ts";
import { type Raced, runRacers } from "./support/run-racers.ts";

const SKILLS = ["racing", "other"];
const PROCESSES = tries(2, 8), ROUNDS = tries(1, 6), STEPS = tries(8, 16);

/**
 * What may come of a step while others take theirs. Everything else is lost work, or a mix. A tool fails when its files
 * are uninstalled while it runs.
 */
const EXPECTED: Readonly<Record<Step["does"], readonly string[]>> = {
  install: ["conflict"],
  activate: ["conflict", "not_found"],
  run: ["not_active", "not_found", "tool_failed"],
  uninstall: ["not_found"],
};

let home: TestHome;
beforeEach(() => void (home = testHome()));
afterEach(() => home.close());

/** A skill of three files that answers the version that stands in each. */
function write(id: string, version: string): string {
  return home.write(`${id}-${version}`, {
    "manifest.toml": `id = "${id}"
name = "Racing"
version = "${version}"
description = "Tells which version of its files it sees"
[[tools]]
name = "tell"
`,
    "skill.py": `# /// script
# requires-python = ">=3.9"
# dependencies = []
# ///
from pathlib import Path

import beside


def tell():
    return ["${version}", beside.VERSION, (Path(__file__).parent / "version.txt").read_text()]
`,
    "beside.py": `VERSION = "${version}"\n`,
    "version.txt": version,
  });
}

/** Steps that lead to each other often; the same for the same seed. */
function steps(seed: number, racer: number): Step[] {
  let state = seed * 31 + racer + 1;
  const random = (below: number): number => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor(state / 65_536) % below;
  };
  const often = ["install", "activate", "run"] as const;
  const choices = [...often, ...often, ...often, "uninstall"] as const;
  return Array.from({ length: STEPS }, (_, at) => {
    const skill = SKILLS[random(3) === 0 ? 1 : 0] ?? "", does = choices[random(choices.length)] ?? "run";
    return does === "install"
      ? { does, skill, source: write(skill, `${2 + at}.${seed}.${racer}`) }
      : { does, skill };
  });
}

/** The changes that a racer was told are done. What serves already is activated without one, so activations are apart. */
function changesOf({ ends }: Raced): readonly string[] {
  const changing: readonly string[] = ["install", "uninstall"] satisfies Step["does"][];
  return ends.filter(({ step, code }) => changing.includes(step.does) && code === undefined)
    .map(({ step }) => `${step.does} ${step.skill}`);
}

/** What the audit says that each skill must be: the versions since it was last uninstalled, and who serves. */
function replay(
  audit: readonly AuditRecord[],
): Record<string, { versions: string[]; serving: string | null }> {
  const skills: Record<string, { versions: string[]; serving: string | null }> = {};
  for (const { action, skill_id, details } of audit) {
    const id = skill_id ?? "", version = String((details as { version?: unknown } | null)?.version);
    if (action === "install") (skills[id] ??= { versions: [], serving: null }).versions.push(version);
    if (action === "activate" && skills[id] !== undefined) skills[id].serving = version;
    if (action === "uninstall") delete skills[id];
  }
  return skills;
}

async function stateOf(library: OpenedLibrary): Promise<ReturnType<typeof replay>> {
  const all = (await library.list()).map(async ({ id, serving }) => {
    const versions = (await library.generations(id)).map(({ version }) => version);
    return [id, { versions, serving: serving?.version ?? null }] as const;
  });
  return Object.fromEntries(await Promise.all(all));
}

/** Every folder below the runtimes that no generation accounts for. */
async function leftovers(library: OpenedLibrary): Promise<readonly string[]> {
  const runtimes = join(home.dir, ".runtime");
  const left = readdirSync(join(home.dir, ".state/staging"));
  for (const id of readdirSync(runtimes)) {
    const generations = await library.generations(id).catch(() => []);
    const known = new Set(generations.flatMap(({ build, version }) => [`builds/${build}`, version]));
    const found = readdirSync(join(runtimes, id)).filter((name) =>
      !["active", "previous", "data"].includes(name)
    )
      .flatMap((name) =>
        name === "builds" ? readdirSync(join(runtimes, id, name)).map((one) => `builds/${one}`) : [name]
      );
    left.push(...found.filter((name) => !known.has(name)).map((name) => `${id}/${name}`));
  }
  return left;
}

describe(`${PROCESSES} processes on one home`, () => {
  it.each(Array.from({ length: ROUNDS }, (_, round) => round + 1))(
    "lose no change, see no mix and leave nothing over when they install, activate, run and uninstall (round %i)",
    async (round) => {
      const library = await home.open();
      for (const id of SKILLS) {
        await library.install(write(id, "1.0.0"));
        await library.activate(id);
      }
      const raced = await runRacers(
        home,
        Array.from({ length: PROCESSES }, (_, racer) => steps(round, racer)),
      );

      const ends = raced.flatMap((one) => one.ends);
      expect(ends.filter(({ step, code }) => code !== undefined && !EXPECTED[step.does].includes(code)))
        .toEqual([]);
      const told = ends.flatMap(({ value }) => value === undefined ? [] : [value as readonly string[]]);
      expect(told.filter((versions) => new Set(versions).size !== 1)).toEqual([]);

      const audit = (await library.audit({ limit: 1000 })).toReversed();
      expect(audit.map(({ revision }) => revision)).toEqual(audit.map((_, at) => at + 1));
      const changes = raced.map(({ name }) =>
        audit.filter((row) => row.name === name && ["install", "uninstall"].includes(row.action))
          .map(({ action, skill_id }) => `${action} ${skill_id}`)
      );
      expect(changes).toEqual(raced.map(changesOf));
      expect(await stateOf(library)).toEqual(replay(audit));
      expect(await leftovers(library)).toEqual([]);
      expect([...(await loadPythonRegistry(home.dir)).statusMap()]).toEqual(
        (await library.list()).map(({ id, status }) => [id, status]),
      );
      expect(await library.check()).toEqual([]);
    },
    tries(60_000, 300_000),
  );
});

describe("what another process takes away meanwhile", () => {
  /** Another library of the same home, and a runner that lets it do something before its next start or call. */
  async function beside(): Promise<
    { other: OpenedLibrary; runner: Runner; once: (action: () => Promise<unknown>) => void }
  > {
    let action: (() => Promise<unknown>) | undefined;
    const runner = new Proxy(home.runner, {
      get(target, name) {
        const method = Reflect.get(target, name) as (...given: unknown[]) => unknown;
        if (name !== "call" && name !== "start") return method.bind(target);
        return async (...given: unknown[]) => {
          const now = action;
          action = undefined;
          await now?.();
          return await method.apply(target, given);
        };
      },
    });
    return { other: await home.open(), runner, once: (given) => void (action = given) };
  }

  it("is not called: the call goes to what serves now", async () => {
    const { other, runner, once } = await beside();
    const library = await home.open({
      runner,
      settings: {
        resilience: { retry_config: { max_attempts: 1, backoff_strategy: "constant", retry_on: [] } },
      },
    });
    await library.install(write("racing", "1.0.0"));
    await library.activate("racing");
    once(async () => {
      await other.uninstall("racing");
      await other.install(write("racing", "2.0.0"));
      await other.activate("racing");
    });
    const { value, generation } = await library.run("racing", {});
    expect([value, generation.version]).toEqual([["2.0.0", "2.0.0", "2.0.0"], "2.0.0"]);
    await library.stopProcesses("racing");
    once(() => other.uninstall("racing"));
    await expect(library.run("racing", {})).rejects.toMatchObject({ code: "not_found" });
  });

  it("is neither activated nor tested, and its report makes no skill of it again", async () => {
    const { other, runner, once } = await beside();
    const library = await home.open({ runner });
    for (const change of ["activate", "test"] as const) {
      await library.install(write("racing", "1.0.0"));
      once(() => other.uninstall("racing"));
      await expect(library[change]("racing")).rejects.toMatchObject({
        code: expect.stringMatching(/^(?:conflict|not_found)$/),
      });
      expect(await library.list()).toEqual([]);
      expect(await leftovers(library)).toEqual([]);
    }
  });
});
