import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { afterEach, beforeEach, expect, test } from "vitest";
import { madeIn, makeFolder, writeFileAtomic } from "../../src/base/atomic-file.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "skillwright-atomic-"));
});
afterEach(() => rm(dir, { recursive: true }));

test("writeFileAtomic replaces a file, with the mode asked for, and leaves nothing beside it", async () => {
  const path = join(dir, "file");
  await writeFile(path, "old");
  await writeFileAtomic(path, "new", { mode: 0o640 });
  expect(await readFile(path, "utf8")).toBe("new");
  expect((await stat(path)).mode & 0o777).toBe(0o640);
  expect(await readdir(dir)).toEqual(["file"]);
});

test("writeFileAtomic replaces a link and does not follow it", async () => {
  await writeFile(join(dir, "victim"), "untouched");
  await symlink(join(dir, "victim"), join(dir, "link"));
  await writeFileAtomic(join(dir, "link"), "new");
  expect(await readFile(join(dir, "victim"), "utf8")).toBe("untouched");
  expect(await readFile(join(dir, "link"), "utf8")).toBe("new");
});

test("writeFileAtomic keeps the old file and removes its temporary one when the write fails", async () => {
  await expect(writeFileAtomic(join(dir, "none", "file"), "new")).rejects.toThrow("ENOENT");
  const folder = join(dir, "folder");
  await mkdir(join(folder, "inner"), { recursive: true });
  await expect(writeFileAtomic(folder, "new")).rejects.toThrow("EISDIR");
  expect(await readdir(dir)).toEqual(["folder"]);
});

test("writeFileAtomic makes its temporary file where it is told", async () => {
  await mkdir(join(dir, "staging"));
  const temporary = join(dir, "staging", "new");
  await writeFileAtomic(join(dir, "file"), "new", { temporary });
  expect([await readFile(join(dir, "file"), "utf8"), await readdir(join(dir, "staging"))]).toEqual([
    "new",
    [],
  ]);
  await writeFile(temporary, "somebody else's");
  await expect(writeFileAtomic(join(dir, "file"), "newer", { temporary })).rejects.toThrow("EEXIST");
  expect(await readFile(join(dir, "file"), "utf8")).toBe("new");
});

test("makeFolder makes what is missing, and madeIn tells which folders got an entry", async () => {
  await makeFolder(join(dir, "a", "b"), { mode: 0o700 });
  expect((await stat(join(dir, "a", "b"))).mode & 0o777).toBe(0o700);
  expect([...await madeIn(join(dir, "a", "c", "d"))].sort()).toEqual([join(dir, "a"), join(dir, "a", "c")]);
  expect(await madeIn(join(dir, "a", "c", "d"))).toEqual([]);
  await writeFile(join(dir, "file"), "");
  await expect(makeFolder(join(dir, "file", "b"))).rejects.toThrow("ENOTDIR");
});

test("madeIn makes a path that others make at the same time", async () => {
  const path = join(dir, "a", "b", "c");
  const made = await Promise.all([1, 2, 3, 4].map(() => madeIn(path)));
  expect(made.flat().sort()).toEqual([dir, join(dir, "a"), join(dir, "a", "b")]);
  expect((await stat(path)).isDirectory()).toBe(true);
});

test.skipIf(process.platform !== "linux")("makeFolder ends where no folder can be made", async () => {
  await expect(makeFolder("/proc/no-such-process")).rejects.toThrow(/ENOENT|EACCES|EPERM/);
  await expect(makeFolder("/proc/no-such-process/home")).rejects.toThrow(/ENOENT|EACCES|EPERM/);
});
