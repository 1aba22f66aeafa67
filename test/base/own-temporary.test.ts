import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ownTemporary, removeLeftBeside } from "../../src/base/own-temporary.ts";
import { identityText, ownIdentity } from "../../src/base/process-identity.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "skillwright-temporary-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

test("ownTemporary gives a path of its own beside the file each time", () => {
  const path = join(folder, "file");
  const [one, other] = [ownTemporary(path), ownTemporary(path)];
  expect(one).not.toBe(other);
  expect([dirname(one), basename(one).startsWith(".file.")]).toEqual([folder, true]);
});

test("removeLeftBeside removes what a dead process left beside this file, and nothing else", () => {
  const path = join(folder, "file");
  const dead = { ...ownIdentity(), pid: spawnSync("true").pid };
  const left = `.file.${identityText(dead)}-x.tmp`;
  const mine = basename(ownTemporary(path));
  const others = ["file", ".file.note", `.other.${identityText(dead)}-x.tmp`, mine];
  for (const name of [left, ...others]) writeFileSync(join(folder, name), "");
  removeLeftBeside(path);
  expect(readdirSync(folder).sort()).toEqual(others.sort());
  removeLeftBeside(join(folder, "none", "file"));
});
