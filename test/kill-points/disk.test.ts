import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Operation } from "../support/faults/gate.ts";
import { Disk, type PowerCut } from "./disk.ts";

let folder: string, disk: Disk;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "skillwright-disk-"));
  mkdirSync(join(folder, "start"));
  writeFileSync(join(folder, "start/file"), "old");
  disk = new Disk("/disk", join(folder, "start"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function left(cut: PowerCut): string {
  const place = join(folder, cut);
  disk.write(place, cut);
  const names = readdirSync(place).sort();
  return names.map((name) => `${name}: ${readFileSync(join(place, name), "utf8")}`).join(", ");
}

const bytes = new TextEncoder().encode("new text");
const WRITE: readonly Operation[] = [
  { kind: "create", path: "/disk/temporary", mode: 0o600 },
  { kind: "write", path: "/disk/temporary", bytes, at: null },
];
const RENAME: Operation = { kind: "rename", path: "/disk/temporary", to: "/disk/file" };

test("Disk loses what was not synced: entries, bytes, or half of the bytes", () => {
  for (const operation of [...WRITE, RENAME]) disk.apply(operation);
  expect([left("dropped"), left("empty"), left("torn")]).toEqual(["file: old", "file: ", "file: new "]);
});

test("Disk keeps what was synced", () => {
  const sync = (path: string): Operation => ({ kind: "fsync", path });
  for (const operation of [...WRITE, sync("/disk/temporary"), RENAME, sync("/disk")]) disk.apply(operation);
  expect([left("dropped"), left("empty"), left("torn")]).toEqual(Array(3).fill("file: new text"));
});

test("Disk makes a rename between folders durable as a whole", () => {
  disk.apply({ kind: "mkdir", path: "/disk/to", mode: 0o755 });
  disk.apply({ kind: "fsync", path: "/disk" });
  disk.apply({ kind: "rename", path: "/disk/file", to: "/disk/to/file" });
  disk.apply({ kind: "fsync", path: "/disk/to" });
  const place = join(folder, "after");
  disk.write(place, "dropped");
  expect([existsSync(join(place, "file")), readFileSync(join(place, "to/file"), "utf8")]).toEqual([
    false,
    "old",
  ]);
});
