import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { EmptyFolder } from "../../../src/runner/files/empty-folder.ts";

/** Longer than the time after which a folder that was seen empty is not listed again. */
const SETTLED = { timeout: 5_000, interval: 50 };

let root: string, path: string;
const open: EmptyFolder[] = [];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "skillwright-empty-"));
  path = join(root, "out");
  mkdirSync(path);
});
afterEach(() => {
  for (const folder of open.splice(0)) folder.close();
  rmSync(root, { recursive: true, force: true });
});

function opened(): EmptyFolder {
  const folder = new EmptyFolder(path);
  open.push(folder);
  return folder;
}

/** A folder that was looked at again and again until its emptiness is remembered. */
async function settled(): Promise<EmptyFolder> {
  const folder = opened(), made = Date.now();
  await vi.waitFor(() => {
    expect(folder.isEmpty()).toBe(true);
    expect(Date.now() - made).toBeGreaterThan(500);
  }, SETTLED);
  return folder;
}

describe("isEmpty", () => {
  it("sees a file at once in a new folder", () => {
    const folder = opened();
    expect(folder.isEmpty()).toBe(true);
    writeFileSync(join(path, "a"), "");
    expect(folder.isEmpty()).toBe(false);
    rmSync(join(path, "a"));
    expect(folder.isEmpty()).toBe(true);
  });

  it("sees a file in a folder long seen empty whose times were set back", async () => {
    const folder = await settled();
    const before = new Date(Date.now() - 60_000);
    writeFileSync(join(path, "a"), "");
    utimesSync(path, before, before);
    expect(folder.isEmpty()).toBe(false);
  });

  it("sees that a folder long seen empty was replaced by another, or by a link", async () => {
    const folder = await settled();
    const full = join(root, "full");
    mkdirSync(full);
    writeFileSync(join(full, "a"), "");
    rmSync(path, { recursive: true });
    renameSync(full, path);
    expect(folder.isEmpty()).toBe(false);
    renameSync(path, full);
    mkdirSync(join(root, "empty"));
    symlinkSync(join(root, "empty"), path);
    expect(folder.isEmpty()).toBe(false);
    rmSync(path);
    expect(folder.isEmpty()).toBe(false);
  });

  it("sees that a folder long seen empty was moved away", async () => {
    const folder = await settled();
    renameSync(path, join(root, "elsewhere"));
    expect(folder.isEmpty()).toBe(false);
  });

  it("says no after `close`", () => {
    const folder = opened();
    expect(folder.isEmpty()).toBe(true);
    folder.close();
    folder.close();
    expect(folder.isEmpty()).toBe(false);
  });
});
