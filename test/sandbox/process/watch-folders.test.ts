import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { exceeds, watchFolders } from "../../../src/sandbox/process/watch-folders.ts";
import { Place } from "../support.ts";

const limits = (folder: string) => ({ folders: [folder], max_bytes: 100_000, max_entries: 10 });

test("exceeds counts bytes on the disk and entries, at any depth", async () => {
  using place = new Place();
  const folder = place.folder("watched/a/b");
  expect(await exceeds(limits(join(place.dir, "watched")))).toBe(false);
  writeFileSync(join(folder, "large"), new Uint8Array(200_000));
  expect(await exceeds(limits(join(place.dir, "watched")))).toBe(true);
  expect(await exceeds({ ...limits(join(place.dir, "watched")), except: folder })).toBe(false);
  rmSync(join(folder, "large"));
  for (let index = 0; index < 10; index++) mkdirSync(join(folder, String(index)));
  expect(await exceeds(limits(join(place.dir, "watched")))).toBe(true);
});

test("exceeds takes a path that cannot be looked at for too much, one that vanished for nothing", async () => {
  using place = new Place();
  expect(await exceeds(limits(place.file("not-a-folder", "")))).toBe(true);
  expect(await exceeds(limits(join(place.dir, "nowhere")))).toBe(false);
});

test("watchFolders tells once, and not after it was stopped", async () => {
  using place = new Place();
  const folder = place.folder("watched");
  writeFileSync(join(folder, "large"), new Uint8Array(200_000));
  let stopped = 0;
  watchFolders(limits(folder), () => stopped++)();
  await new Promise<void>((resolve) => watchFolders(limits(folder), resolve));
  expect(stopped).toBe(0);
});
