import { cpSync, existsSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { HomeDb } from "../../../src/lifecycle/storage/home-db.ts";
import { homeLayout } from "../../../src/lifecycle/storage/home-layout.ts";
import { readHome } from "../../../src/lifecycle/home/read-home.ts";
import { trustFolder } from "../../../src/lifecycle/storage/trust.ts";
import { romanSkill, type TestHome, testHome } from "../support/open-home.ts";

let home: TestHome;
beforeEach(async () => {
  home = testHome();
  const library = await home.open({ trusted: false });
  await library.install(home.write("roman", romanSkill()));
  await library.close();
});
afterEach(() => home.close());

test("readHome lists what an opened library lists", async () => {
  const reader = await readHome(home.dir);
  const library = await home.open();
  expect(await reader?.list()).toEqual(await library.list());
  await library.activate("roman");
  expect(await reader?.list()).toMatchObject([{ id: "roman", status: "active" }]);
  await reader?.close();
});

test("readHome does not wait for who changes the home", async () => {
  const db = await HomeDb.open(homeLayout(home.dir).db);
  let done = (): void => {};
  const change = db.project(() => new Promise<void>((resolve) => (done = resolve)));
  const reader = await readHome(home.dir);
  expect(await reader?.list()).toMatchObject([{ id: "roman", status: "pending" }]);
  await reader?.close();
  done();
  await change;
  await db.close();
});

test("readHome leaves it to openHome where there is no home, and makes none", async () => {
  const nowhere = join(home.folder, "nowhere");
  expect(await readHome(nowhere)).toBeUndefined();
  expect(existsSync(nowhere)).toBe(false);
});

test("readHome leaves it to openHome where files were not brought up", async () => {
  const db = await HomeDb.open(homeLayout(home.dir).db);
  await db.write({ action: "anything" }, () => {});
  await db.close();
  expect(await readHome(home.dir)).toBeUndefined();
  await (await home.open()).close();
  const reader = await readHome(home.dir);
  expect(await reader?.list()).toHaveLength(1);
  await reader?.close();
});

test("readHome leaves it to openHome where this user trusts nothing, or who is trusted cannot be read", async () => {
  const copy = join(home.folder, "copy");
  cpSync(home.dir, copy, { recursive: true });
  expect(await readHome(copy)).toBeUndefined();
  const note = join(trustFolder(), realpathSync(home.dir).replaceAll("/", "%2F"));
  writeFileSync(note, '{"version": 1, "dir": "/", "home_id": 7}');
  expect(await readHome(home.dir)).toBeUndefined();
  const opened = home.open({ trusted: false });
  await expect(opened).rejects.toMatchObject({
    code: "home_unusable",
    message: expect.stringContaining(note),
  });
});
