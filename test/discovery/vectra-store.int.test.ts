import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { VectraStore } from "../../src/discovery/vectra-store.ts";
import { tries } from "../torture.ts";
import { storedVector } from "./stored-vector.ts";

const WRITER = fileURLToPath(new URL("fixtures/write-vectors.ts", import.meta.url));
const SPACE = { id: "model-1", dimensions: 4 };
const KEPT = 100;
const children: ChildProcess[] = [];
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "skillwright-writers-"));
});
afterEach(async () => {
  for (const child of children.splice(0)) await killed(child);
  await rm(folder, { recursive: true, force: true });
});

/** A process that writes; answers once it has written. */
async function writer(own: string, rounds = "Infinity"): Promise<ChildProcess> {
  const run = "Deno" in globalThis ? ["run", "-A"] : [];
  const child = spawn(process.execPath, [...run, WRITER, folder, String(KEPT), own, rounds], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  if (child.stdout !== null) await once(child.stdout, "data");
  return child;
}

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}

/** What is missing or wrong in the index as a store sees it now. */
async function wrongIn(store: VectraStore): Promise<string[]> {
  const vectors = await store.read(SPACE);
  const missing = Array.from({ length: KEPT }, (_, at) => `kept-${at}`).filter((id) => !vectors.has(id));
  const wrong = [...vectors].filter(([id, vector]) => String(vector) !== String(storedVector(id).vector));
  return [...missing, ...wrong.map(([id]) => id)];
}

test("readers see every vector that stays, and none that is wrong, while another process writes", async () => {
  await writer("a");
  const reader = new VectraStore(folder);
  for (let round = 0; round < tries(60, 600); round++) {
    expect(await wrongIn(reader)).toEqual([]);
    expect(await wrongIn(new VectraStore(folder))).toEqual([]);
  }
});

test("two writing processes lose nothing of what both want", async () => {
  await Promise.all([writer("a"), writer("b")]);
  const reader = new VectraStore(folder);
  for (let round = 0; round < tries(40, 400); round++) expect(await wrongIn(reader)).toEqual([]);
});

test("a writer killed at any moment leaves an index that is whole", async () => {
  for (let round = 0; round < tries(3, 40); round++) {
    const child = await writer(`r${round}`);
    for (let reads = 0; reads < round; reads++) expect(await wrongIn(new VectraStore(folder))).toEqual([]);
    await killed(child);
    expect(await wrongIn(new VectraStore(folder))).toEqual([]);
  }
  const store = new VectraStore(folder);
  const stays = Array.from({ length: KEPT }, (_, at) => storedVector(`kept-${at}`));
  await store.write(SPACE, new Map(stays.map((each) => [each.id, each])));
  expect(await wrongIn(new VectraStore(folder))).toEqual([]);
  expect((await readdir(folder)).filter((name) => name.endsWith(".pb"))).toHaveLength(1);
});
