import { mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { afterEach, beforeEach, expect, test } from "vitest";
import { findHome } from "../../../src/lifecycle/home/find-home.ts";

let folder: string;
const before = process.cwd();
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "skillwright-find-")));
  process.chdir(folder);
});
afterEach(() => {
  process.chdir(before);
  rmSync(folder, { recursive: true, force: true });
});

test("findHome takes what code says over the variable, that over ./.skills, that over the user's folder", async () => {
  const env = { SKILLWRIGHT_DIR: "set" };
  expect(await findHome(undefined, {})).toEqual({ dir: join(homedir(), ".skillwright"), chosen: false });
  mkdirSync(".skills");
  expect(await findHome(undefined, {})).toEqual({ dir: join(folder, ".skills"), chosen: false });
  expect(await findHome(undefined, env)).toEqual({ dir: join(folder, "set"), chosen: false });
  expect(await findHome("given", env)).toEqual({ dir: join(folder, "given"), chosen: true });
});

test("findHome takes an empty variable for none", async () => {
  mkdirSync(".skills");
  expect(await findHome(undefined, { SKILLWRIGHT_DIR: "" })).toMatchObject({ dir: join(folder, ".skills") });
});
