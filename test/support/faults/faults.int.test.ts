import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { afterEach, beforeEach, expect, test } from "vitest";
import { faultEnvironment, FAULTS, FAULTY_NODE, readRecord } from "./faults.ts";
import type { FaultOrders, RecordedOperation } from "./gate.ts";

let folder: string, room: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "skillwright-faults-")));
  room = join(folder, "room");
  mkdirSync(room);
});
afterEach(() => rmSync(folder, { recursive: true }));

const PROGRAM = `
import { appendFileSync, writeFileSync } from "node:fs";
import { mkdir, open, rename, rm, writeFile } from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";
process.chdir(process.env.ROOM);
await mkdir("a/b", { recursive: true });
await writeFile("a/b/file", "text");
const file = await open("a/file", "wx");
await file.writeFile("more");
await file.sync();
await file.close();
await rename("a/file", "a/other");
writeFileSync("synced", "text", { flush: true });
appendFileSync("synced", "s");
const db = new DatabaseSync("data.db");
db.exec("create table t (n)");
db.exec("begin");
db.prepare("insert into t values (?)").run(1);
db.prepare("select * from t").all();
db.exec("commit");
await rm("a", { recursive: true });
writeFileSync(process.env.ROOM + "/../elsewhere", "");
`;

function run(orders: FaultOrders): { readonly signal: string | null; readonly stderr: string } {
  const { signal, stderr } = spawnSync(FAULTY_NODE, [...FAULTS, "--input-type=module", "-e", PROGRAM], {
    env: { ...process.env, ROOM: room, ...faultEnvironment({ within: [room], ...orders }) },
    encoding: "utf8",
  });
  return { signal, stderr };
}

function shown(operation: RecordedOperation): string {
  const { kind, path } = operation;
  return `${kind} ${kind === "sql" ? operation.sql.split(" ", 1)[0] ?? "" : path.slice(room.length + 1)}`;
}

test("a gate sees each step of what changes a file or a database, and each sync", () => {
  const record = join(folder, "record"), count = join(folder, "count");
  run({ record, count });
  const operations = readRecord(record);
  expect(operations.map(shown).join(", ")).toBe(
    [
      "mkdir a, mkdir a/b, create a/b/file, write a/b/file, write a/b/file",
      "create a/file, write a/file, write a/file, fsync a/file, rename a/file",
      "create synced, write synced, write synced, fsync synced, write synced",
      "sql create, sql begin, sql insert, sql commit",
      "unlink a/b/file, rmdir a/b, unlink a/other, rmdir a",
    ].join(", "),
  );
  expect(readFileSync(count, "utf8")).toBe(`${operations.length - 2}\n`);
});

test("a gate kills the process before the operation that it is told, and not after it", () => {
  expect(run({ killBefore: 9 }).signal).toBe("SIGKILL");
  expect([existsSync(join(room, "a/file")), existsSync(join(room, "a/other"))]).toEqual([true, false]);
});

test("a gate has an operation fail as the runtime would, syncs too where they count", () => {
  expect(run({ failWith: { code: "ENOSPC", at: 4 } }).stderr).toContain("code: 'ENOSPC'");
  expect(readFileSync(join(room, "a/b/file"), "utf8")).toBe("");
  rmSync(join(room, "a"), { recursive: true });
  expect(run({ failWith: { code: "EIO", at: 9 }, syncs: true }).stderr).toContain("syscall: 'fsync'");
});

test("a gate has a database fail as SQLite does", () => {
  const { stderr } = run({ failWith: { code: "ENOSPC", at: 17 } });
  expect(stderr).toMatch(/database or disk is full[^]*ERR_SQLITE_ERROR[^]*errcode: 13/);
});
