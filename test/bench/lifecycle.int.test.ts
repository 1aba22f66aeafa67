import { cpSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fillHome } from "../../bench/lifecycle/fill-home.ts";
import { growth } from "../../bench/lifecycle/growth.ts";
import { createEnvironments } from "../../src/environment/create-environments.ts";
import { romanSkill, testHome } from "../lifecycle/support/open-home.ts";

const home = testHome();
const larger = join(home.folder, "larger");

beforeAll(async () => {
  const library = await home.open();
  await library.install(home.write("roman", romanSkill()));
  await library.activate("roman");
  await library.close();
  cpSync(home.dir, larger, { recursive: true, verbatimSymlinks: true });
  await fillHome(home.dir, "roman", 2);
  await fillHome(larger, "roman", 5);
});
afterAll(() => home.close());

test("fillHome leaves a home as installing each of its skills would have", async () => {
  const library = await home.open({ dir: larger });
  const skills = await library.list();
  expect(skills.map(({ id, status }) => [id, status])).toEqual([
    ["roman", "active"],
    ...["0", "1", "2", "3"].map((last) => [`skill_0000${last}`, "active"]),
  ]);
  // but for the registry file, which the next change writes
  const found = await library.check();
  expect(found.map(({ rule, file }) => [rule, file])).toEqual([
    ["home/repaired", ".state/python_registry.json"],
  ]);
  await library.close();
});

test("growth measures what there is to read and to change in both homes", async () => {
  const fresh = {
    ...romanSkill(),
    "manifest.toml": romanSkill()["manifest.toml"]?.replace('"roman"', '"fresh"') ?? "",
  };
  const parts = { trusted: true, environments: createEnvironments(), runner: home.runner };
  const figures = await growth({ few: home.dir, many: larger }, home.write("fresh", fresh), parts, 1);
  const names = ["open", "list", "info", "install", "activate", "activate_commit"];
  expect(Object.keys(figures)).toEqual(
    names.flatMap((name) => [`${name}_100_ms`, `${name}_10k_ms`, `${name}_10k_vs_100`]),
  );
  for (const figure of Object.values(figures)) expect(figure).toBeGreaterThan(0);
});
