import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createDiscovery } from "../../src/discovery/create-discovery.ts";
import { openMiniLmEmbedder } from "../../src/discovery/minilm-embedder.ts";
import type { Embedder } from "../../src/discovery/types.ts";
import { ChangingSource, SKILLS } from "./samples.ts";

const run = promisify(execFile);
let dir: string;
let model: Embedder;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "skillwright-minilm-"));
  model = await openMiniLmEmbedder();
});
afterAll(async () => {
  await model.close?.();
  await rm(dir, { recursive: true, force: true });
});

const cosine = (a: Float32Array | undefined, b: Float32Array | undefined) =>
  a?.reduce((sum, value, at) => sum + value * (b?.[at] ?? 0), 0) ?? Number.NaN;

test("the model puts a paraphrase near, another task far, and opposites too near for a threshold", async () => {
  expect(model.id).toBe("all-MiniLM-L6-v2/c431696b69d371db/mean/256");
  const [roman, paraphrase, weather, there, back] = await model.embed([
    "Convert integers to Roman numerals",
    "write a number the way the Romans did",
    "weather forecast for a city",
    "decimal to binary",
    "binary to decimal",
  ]);
  expect(cosine(roman, roman)).toBeCloseTo(1, 5);
  expect(cosine(roman, paraphrase)).toBeGreaterThan(0.45);
  expect(cosine(roman, weather)).toBeLessThan(0.15);
  expect(cosine(there, back)).toBeGreaterThan(0.97);
});

test("the model gives a text the same vector alone and in company, in the order of the texts", async () => {
  const texts = [
    "a b c",
    "count the words of a text ".repeat(40),
    "zip",
    ...Array.from({ length: 20 }, (_, at) => `task ${at}`),
  ];
  const together = await model.embed(texts);
  for (const at of [0, 1, 2, 22]) {
    const [alone] = await model.embed([texts[at] ?? ""]);
    expect(cosine(together[at], alone)).toBeGreaterThan(0.9999);
  }
});

test("the model reads 256 word pieces and no more", async () => {
  const long = "alpha ".repeat(300);
  const [a, b, c] = await model.embed([
    long,
    `${long}unrelated tail about weather`,
    "alpha ".repeat(200) + "weather",
  ]);
  expect(cosine(a, b)).toBeGreaterThan(0.99999);
  expect(cosine(a, c)).toBeLessThan(0.99999);
});

test("search over the shipped model finds a skill by other words, and nothing near for what no skill does", async () => {
  const discovery = createDiscovery({ dir, source: new ChangingSource(SKILLS), embedder: model });
  const found = await discovery.search("how would Caesar have written the number 42");
  expect(found.mode).toBe("hybrid");
  expect(found.matches[0]?.id).toBe("roman_numerals");
  const foreign = await discovery.search("send an invoice by e-mail");
  expect(foreign.matches[0]?.cosine).toBeLessThan(0.3);
  expect(await discovery.probe()).toEqual({ ok: true, model: model.id });
});

test("openMiniLmEmbedder of a folder without a model says which file is missing", async () => {
  await expect(openMiniLmEmbedder({ modelDir: dir })).rejects.toMatchObject({
    code: "not_found",
    message: expect.stringContaining("model_quantized.onnx"),
  });
});

const child = async (...args: string[]): Promise<Record<string, unknown>> => {
  const script = fileURLToPath(new URL("./fixtures/search.ts", import.meta.url));
  const flags = "Deno" in globalThis ? ["run", "-A"] : [];
  const { stdout } = await run(process.execPath, [...flags, script, ...args], { timeout: 50_000 });
  return JSON.parse(stdout) as Record<string, unknown>;
};

test("a process that opens a discovery loads no model before the first search, and asks no network for it", async () => {
  const report = await child(join(dir, "child"));
  expect(report).toMatchObject({
    loadedBefore: false,
    loadedAfter: true,
    mode: "hybrid",
    best: "roman_numerals",
  });
  expect(report["requests"]).toEqual(["positive control"]);
  expect(report["settings"]).toMatchObject({
    allowRemoteModels: true,
    useFSCache: true,
    localModelPath: expect.stringContaining("@xenova"),
  });
});

test("the model works where the image library of transformers.js was not built", async () => {
  expect(await child(join(dir, "child"), "--break-sharp")).toMatchObject({ sharp: "broken", mode: "hybrid" });
});

test("search is lexical, with the reason, where the native addon cannot be loaded", async () => {
  const report = await child(join(dir, "child"), "--break-onnx");
  expect(report).toMatchObject({ mode: "lexical", best: "roman_numerals" });
  expect(report["degraded"]).toContain("no native addon here");
});

test("search is lexical, and the probe says what to install, where transformers.js is not there", async () => {
  const report = await child(join(dir, "child"), "--no-library");
  expect(report).toMatchObject({ mode: "lexical", best: "roman_numerals" });
  expect(report["degraded"]).toMatch(/: "@xenova\/transformers" is not installed$/);
  expect(report["fix"]).toContain("npm install @xenova/transformers");
});
