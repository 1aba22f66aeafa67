import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cli, type Ran } from "./recording-terminal.ts";

const folder = mkdtempSync(join(tmpdir(), "skillwright-cli-observe-"));
const dir = join(folder, "home");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const at = (...argv: readonly string[]): Promise<Ran> => cli([...argv, "--dir", dir]);

async function document(...argv: readonly string[]): Promise<Record<string, unknown>> {
  return (await at(...argv, "--json")).json() as Record<string, unknown>;
}

beforeAll(async () => {
  const source = join(folder, "word_count");
  await at("new", source);
  await at("install", source, "--test");
  await at("activate", "word_count");
  await at("run", "word_count", "--input", '{"text":"a"}');
  await at("run", "word_count", "nothing");
});

describe("status", () => {
  test("tells versions, slots, tests and readiness", async () => {
    expect(await document("status", "word_count")).toMatchObject({
      skill_info: { id: "word_count", status: "active" },
      ready: true,
      missing_secrets: [],
      generations: [{ version: "0.1.0", slot: "A", status: "active", tests: { passed: true, failed: 0 } }],
      source: "same",
    });
    const { stdout } = await at("status", "word_count");
    expect(stdout).toContain("ready");
    expect(stdout).toContain("  invoke(");
    expect(stdout).toMatch(/0\.1\.0 slot A active, no tests, but it starts/);
  });

  test("shows what was edited in the home since", async () => {
    appendFileSync(join(dir, "word_count/skill.py"), "# an edit\n");
    expect(await document("status", "word_count", "--diff")).toMatchObject({
      source: "changed",
      diff: expect.stringContaining("+# an edit"),
    });
    expect((await at("status", "word_count")).stdout).toContain("its source is not what is installed");
  });
});

describe("logs", () => {
  test("show what was done, by whom, and how runs went", async () => {
    const answer = await document("logs", "word_count") as {
      logs: Record<string, string[]>;
      runs: { ok: boolean; tool: string }[];
      audit: { action: string; via: string }[];
    };
    expect(answer.logs["install"]?.[0]).toContain("installed word_count 0.1.0");
    expect(answer.logs["tests"]?.join("\n")).toContain("handshake passed");
    expect(answer.runs.map(({ ok }) => ok)).toEqual([true]);
    expect(answer.audit.map(({ action, via }) => `${via} ${action}`)).toEqual([
      "cli activate",
      "cli test",
      "cli begin_testing",
      "cli install",
    ]);
    const { stdout } = await at("logs", "word_count", "--log", "tests", "--lines", "1");
    expect(stdout.split("\n")).toHaveLength(2);
    expect(stdout).toContain("passed in");
  });

  test("tell of a skill that was only proposed and rejected: when, why, and where all of it is", async () => {
    const { proposal } = await document("generate", "feed the cat") as {
      proposal: { id: string; skill_id: string };
    };
    const { id, skill_id } = proposal;
    await at("reject", id, "--reason", "the cat\nis fed");
    expect(await document("logs", skill_id)).toMatchObject({
      logs: {},
      runs: [],
      proposals: [{ id, version: "0.1.0", status: "rejected" }],
      audit: [{ action: "reject", details: { reason: "the cat\nis fed" } }],
    });
    const { stdout } = await at("logs", skill_id);
    expect(stdout).toContain(`0.1.0 rejected; all of it: skillwright proposals --dir ${dir} ${id}`);
    expect(stdout).toMatch(/reject by cli [0-9a-f]{12}: the cat is fed$/m);
    // its slots' logs never were
    expect((await at("logs", skill_id, "--log", "run", "--json")).json()).toMatchObject({
      error: { code: "not_found" },
    });
  });

  test("tell of a skill that was uninstalled", async () => {
    const source = join(folder, "gone");
    await at("new", source);
    await at("install", source);
    await at("uninstall", "gone", "--yes");
    const { audit } = await document("logs", "gone") as { audit: { action: string }[] };
    expect(audit.map(({ action }) => action)).toContain("uninstall");
  });

  test("of no skill, or no such log, are a clear error", async () => {
    expect((await at("logs", "word_cont", "--json")).json()).toMatchObject({
      error: { code: "not_found", fix: 'did you mean "word_count"' },
    });
    expect((await at("logs", "word_count", "--log", "test")).code).toBe(2);
  });
});

describe("stats", () => {
  test("count runs and failures of each tool", async () => {
    const { stats } = await document("stats") as { stats: object[] };
    expect(stats).toEqual([
      expect.objectContaining({ skill_id: "word_count", runs: 1, failed: 0, p50_ms: expect.any(Number) }),
    ]);
    expect((await document("stats", "word_count", "--days", "1") as { stats: object[] }).stats).toEqual(
      stats,
    );
    expect((await at("stats")).stdout).toMatch(/word_count \w+ {2}1 run, 0 failed, median [\d.]+ ms/);
    expect((await at("stats", "word_cont")).notes).toContain("not_found");
  });
});

test("enable lets a disabled skill serve again", async () => {
  await at("disable", "word_count");
  expect((await at("run", "word_count")).notes).toContain("not_active");
  expect(await document("enable", "word_count")).toMatchObject({ skill_info: { status: "active" } });
  expect((await at("run", "word_count")).code).toBe(0);
});
