import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { HomeDb } from "../../../src/lifecycle/storage/home-db.ts";
import { touchSkill } from "../../../src/lifecycle/records/records.ts";

describe("HomeDb", () => {
  let folder: string, path: string;
  const opened: HomeDb[] = [];
  const open = async (options = {}): Promise<HomeDb> => {
    const db = await HomeDb.open(path, options);
    opened.push(db);
    return db;
  };
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "skillwright-db-"));
    path = join(folder, ".state", "home.db");
  });
  afterEach(async () => {
    for (const db of opened.splice(0)) await db.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it("counts transactions and writes an audit row with each", async () => {
    const db = await open();
    await db.write(
      { action: "one", actor: { via: "cli", name: "x" }, skill_id: "a" },
      (tx) => touchSkill(tx, "a", "state"),
    );
    await db.write({ action: "two", details: { n: 1 } }, () => {});
    expect(db.revision).toBe(2);
    expect(
      db.sql.all("select revision, via, name, action, skill_id, details from audit").map((row) => ({
        ...row,
      })),
    ).toEqual([
      { revision: 1, via: "cli", name: "x", action: "one", skill_id: "a", details: null },
      { revision: 2, via: "code", name: null, action: "two", skill_id: null, details: '{"n":1}' },
    ]);
  });

  it("changes nothing, the audit neither, when a change throws", async () => {
    const db = await open();
    const change = db.write({ action: "bad" }, (tx) => {
      touchSkill(tx, "a", "state");
      throw new Error("no");
    });
    await expect(change).rejects.toThrow("no");
    expect([db.revision, db.sql.all("select * from audit").length, db.sql.all("select * from skills").length])
      .toEqual([0, 0, 0]);
  });

  it("makes a skill of no row by what is only noted with one", async () => {
    const db = await open();
    const note = db.write({ action: "note" }, (tx) => touchSkill(tx, "a", "other"));
    await expect(note).rejects.toMatchObject({ code: "not_found" });
    expect([db.revision, db.sql.all("select * from skills").length]).toEqual([0, 0]);
    // control: one that is there is touched
    await db.write({ action: "make" }, (tx) => touchSkill(tx, "a", "state"));
    await db.write({ action: "note" }, (tx) => touchSkill(tx, "a", "other"));
    expect({ ...db.sql.get("select * from skills") }).toEqual({
      id: "a",
      revision: 2,
      state: 1,
      snapshot: null,
    });
  });

  it("lets nobody rewrite or erase the audit", async () => {
    const db = await open();
    await db.write({ action: "one" }, () => {});
    await expect(db.write({ action: "x" }, (tx) => tx.sql.run("delete from audit"))).rejects.toThrow(
      /can only grow/,
    );
    await expect(db.write({ action: "x" }, (tx) => tx.sql.run("update audit set action = 'y'"))).rejects
      .toThrow(/can only grow/);
    expect(db.sql.all("select action from audit").map((row) => row["action"])).toEqual(["one"]);
  });

  it("loses no update when writers of two connections race", async () => {
    const [a, b] = [await open(), await open()];
    const writes = Array.from({ length: 40 }, (_, n) => (n % 2 ? a : b).write({ action: `w${n}` }, () => {}));
    await Promise.all(writes);
    expect([a.revision, b.revision, a.sql.all("select * from audit").length]).toEqual([40, 40, 40]);
  });

  it("keeps the event loop running while another connection holds the lock, and then goes on", async () => {
    const db = await open();
    const other = new DatabaseSync(path);
    other.exec("begin immediate");
    let ticks = 0, done = false;
    const write = db.write({ action: "late" }, () => {}).then(() => void (done = true));
    while (ticks < 20) {
      await new Promise(setImmediate);
      ticks++;
    }
    expect(done).toBe(false);
    other.exec("commit");
    other.close();
    await write;
    expect(db.revision).toBe(1);
  });

  it("gives up with home_busy when the lock stays held", async () => {
    const db = await open({ waitMs: 30 });
    const other = new DatabaseSync(path);
    other.exec("begin immediate");
    await expect(db.write({ action: "x" }, () => {})).rejects.toMatchObject({ code: "home_busy" });
    other.close();
    await db.write({ action: "y" }, () => {});
    expect(db.revision).toBe(1);
  });

  it("tells when anybody committed", async () => {
    const [a, b] = [await open(), await open()];
    expect([a.moved(), a.moved()]).toEqual([true, false]);
    await b.write({ action: "x" }, () => {});
    expect([a.moved(), a.moved()]).toEqual([true, false]);
    await a.write({ action: "x" }, () => {});
    expect(a.moved()).toBe(true);
  });

  it("shows a commit of another connection as soon as its write has settled", async () => {
    const [a, b] = [await open(), await open()];
    for (let turn = 0; turn < 20; turn++) {
      // Asked right before the commit, so that the answer is as fresh as it can be.
      await b.write({ action: "x" }, () => void a.moved());
      expect(a.moved()).toBe(true);
    }
  });

  it("notes what was projected only when the work is done", async () => {
    const db = await open();
    await db.write({ action: "x" }, () => {});
    await expect(db.project(() => Promise.reject(new Error("disk")))).rejects.toThrow("disk");
    expect(db.projected).toBe(0);
    await db.project(() => Promise.resolve());
    expect(db.projected).toBe(1);
  });

  it("is made once when two open it at the same time", async () => {
    const [a, b] = await Promise.all([open(), open()]);
    expect(a.homeId).toMatch(/^[0-9a-f-]{36}$/);
    expect(b.homeId).toBe(a.homeId);
  });

  it("refuses a file that is no database, and one of a newer format", async () => {
    const broken = join(folder, "broken.db");
    writeFileSync(broken, "no database at all ".repeat(100));
    await expect(HomeDb.open(broken)).rejects.toMatchObject({
      code: "home_unusable",
      fix: expect.stringContaining("backup"),
    });
    const db = await open();
    await db.close();
    const raw = new DatabaseSync(path);
    raw.exec("pragma user_version = 99");
    raw.close();
    await expect(HomeDb.open(path)).rejects.toMatchObject({
      code: "home_unusable",
      message: expect.stringContaining("format 99"),
    });
  });

  it("refuses a database of another program", async () => {
    const foreign = join(folder, "foreign.db");
    const raw = new DatabaseSync(foreign);
    raw.exec("create table something (x)");
    raw.close();
    await expect(HomeDb.open(foreign)).rejects.toMatchObject({
      code: "home_unusable",
      message: expect.stringContaining("format 0"),
    });
  });
});
