import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { HomeDb } from "../../../src/lifecycle/storage/home-db.ts";
import { homeLayout } from "../../../src/lifecycle/storage/home-layout.ts";
import { hasSoundDatabase, isHalfMade } from "../../../src/lifecycle/storage/sound-state.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "skillwright-sound-"));
  mkdirSync(join(dir, ".state"), { mode: 0o700 });
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const file = (): string => homeLayout(dir).db;
const look = (): Promise<boolean> => hasSoundDatabase(homeLayout(dir));

test("hasSoundDatabase tells a home from a folder without one", async () => {
  expect(await look()).toBe(false);
  writeFileSync(file(), "data", { mode: 0o600 });
  expect(await look()).toBe(true);
});

test("hasSoundDatabase takes an empty database for a home that is just being made", async () => {
  writeFileSync(file(), "");
  expect(await look()).toBe(true);
});

test.each(["gone", "empty"])(
  "hasSoundDatabase refuses a database that is %s while skills are installed",
  async (how) => {
    mkdirSync(join(dir, ".runtime/roman"), { recursive: true });
    if (how === "empty") writeFileSync(file(), "");
    await expect(look()).rejects.toMatchObject({
      code: "home_unusable",
      fix: expect.stringContaining("backup"),
    });
  },
);

test("hasSoundDatabase refuses a link, and what everybody may write", async () => {
  writeFileSync(file(), "data", { mode: 0o600 });
  chmodSync(file(), 0o666);
  await expect(look()).rejects.toMatchObject({
    code: "home_unusable",
    fix: expect.stringContaining("chmod o-w"),
  });
  chmodSync(file(), 0o600);
  chmodSync(join(dir, ".state"), 0o777);
  await expect(look()).rejects.toMatchObject({
    code: "home_unusable",
    fix: expect.stringContaining("chmod o-w"),
  });
  chmodSync(join(dir, ".state"), 0o700);
  renameSync(file(), join(dir, "elsewhere"));
  symlinkSync(join(dir, "elsewhere"), file());
  await expect(look()).rejects.toMatchObject({ code: "home_unusable" });
});

test("isHalfMade tells what a killed process began to make from what anybody could have put there", async () => {
  const isHalf = (): Promise<boolean> => isHalfMade(homeLayout(dir));
  expect(await isHalf()).toBe(true);
  writeFileSync(file(), "");
  expect(await isHalf()).toBe(true);
  for (const path of ["config.toml", ".state/config.toml"]) {
    writeFileSync(join(dir, path), "");
    expect(await isHalf()).toBe(false);
    rmSync(join(dir, path));
  }
  rmSync(file());
  await (await HomeDb.open(file())).close();
  expect(await isHalf()).toBe(false);
});
