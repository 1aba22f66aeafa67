import { expect, test } from "vitest";
import { HomeDb, type HomeTransaction } from "../../../src/lifecycle/storage/home-db.ts";
import { insertGeneration, touchSkill } from "../../../src/lifecycle/records/records.ts";
import { RegistryLines } from "../../../src/lifecycle/projections/registry-lines.ts";
import type { ResolvedManifest } from "../../../src/lifecycle/types.ts";

/** As much of it as a generation is registered by. */
const resolved = { manifest: { name: "A skill" } } as ResolvedManifest;

function install(tx: HomeTransaction, id: string, version = "1.0.0"): void {
  touchSkill(tx, id, "state");
  const build = `${id}-${version}`;
  insertGeneration(tx, { skill_id: id, version, slot: "A", build, digest: build, script: "", resolved });
}

function remove(tx: HomeTransaction, id: string): void {
  for (const table of ["generations", "builds"]) tx.sql.run(`delete from ${table} where skill_id = ?`, id);
  tx.sql.run("delete from skills where id = ?", id);
  tx.sql.run("insert or replace into removed values (?, ?, 1, 0, '[]', '[]')", id, tx.revision);
}

test("RegistryLines gives after any change what it would give when it read all", async () => {
  const db = await HomeDb.open(":memory:");
  const lines = new RegistryLines(db);
  const changes: readonly ((tx: HomeTransaction) => void)[] = [
    (tx) => ["m", "z"].forEach((id) => install(tx, id)),
    (tx) => install(tx, "a"),
    (tx) => install(tx, "m", "2.0.0"),
    (tx) => remove(tx, "z"),
    () => {},
    (tx) => {
      remove(tx, "a");
      install(tx, "b");
    },
    (tx) => install(tx, "z", "3.0.0"),
    (tx) => ["b", "m", "z"].forEach((id) => remove(tx, id)),
  ];
  const ids: string[][] = [];
  for (const change of changes) {
    await db.write({ action: "test" }, change);
    const text = lines.text();
    expect(text).toBe(new RegistryLines(db).text());
    ids.push((JSON.parse(text) as { skills: { id: string }[] }).skills.map(({ id }) => id));
  }
  expect(ids.map((one) => one.join(""))).toEqual(["mz", "amz", "amz", "am", "am", "bm", "bmz", ""]);
  await db.close();
});

test("RegistryLines reads all again after it was told to forget", async () => {
  const db = await HomeDb.open(":memory:");
  const lines = new RegistryLines(db);
  await db.write({ action: "test" }, (tx) => install(tx, "m"));
  lines.text();
  // as nothing of this library does
  await db.write({ action: "test" }, (tx) => tx.sql.run("update generations set name = 'Other'"));
  expect(lines.text()).not.toContain("Other");
  lines.forget();
  expect(lines.text()).toContain("Other");
  await db.close();
});
