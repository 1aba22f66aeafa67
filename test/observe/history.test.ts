import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type MakingEntry, type RunEntry, RunHistory } from "../../src/observe/history.ts";

describe("RunHistory", () => {
  let folder: string;
  beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "skillwright-history-"))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const entry = (started_at: number): RunEntry => ({
    skill_id: "s",
    version: "1.0.0",
    tool: "t",
    ok: started_at % 2 === 0,
    code: started_at % 2 === 0 ? null : "tool_failed",
    started_at,
    wall_ms: 1.5,
    cpu_ms: null,
    max_rss_kb: null,
  });

  it("keeps runs over a restart and gives the newest first", async () => {
    const path = join(folder, "state", "history.db");
    const history = new RunHistory(path);
    for (let at = 0; at < 450; at++) history.add(entry(at));
    await history.close();
    const again = new RunHistory(path);
    expect(await again.recent("s", 2)).toEqual([entry(449), entry(448)]);
    expect(await again.recent("s", 1000)).toHaveLength(450);
    expect(await again.recent("other")).toEqual([]);
    await again.close();
  });

  it("keeps one entry for each generation, the last note of it", async () => {
    const path = join(folder, "history.db");
    const making = (id: string, started_at: number, more: Partial<MakingEntry> = {}): MakingEntry => ({
      id,
      intent: "double a number",
      outcome: "proposed",
      code: null,
      skill_id: "double",
      version: "1.0.0",
      proposal_id: "p",
      maker: "m",
      verifier: null,
      reuse: "no skill comes near",
      rounds: 1,
      turns: 2,
      tokens: 300,
      started_at,
      wall_ms: 4.5,
      ...more,
    });
    const history = new RunHistory(path);
    history.addMaking(making("a", 1));
    history.addMaking(making("b", 2, { skill_id: null, outcome: "failed", code: "budget_exceeded" }));
    history.addMaking(making("a", 1, { outcome: "installed" }));
    await history.close();
    const again = new RunHistory(path);
    expect(await again.makings({ skill: "double" })).toEqual([making("a", 1, { outcome: "installed" })]);
    expect((await again.makings({ limit: 1 })).map(({ id }) => id)).toEqual(["b"]);
    expect((await again.makings({ since: 2 })).map(({ id }) => id)).toEqual(["b"]);
    await again.close();
  });

  it("tells times, rates and resources of each tool", async () => {
    const history = new RunHistory(join(folder, "history.db"));
    for (const [at, wall_ms] of [10, 20, 30, 40].entries()) {
      history.add({ ...entry(at), ok: at > 0, wall_ms, cpu_ms: at, max_rss_kb: 1000 * at });
    }
    history.add({ ...entry(9), tool: "other", ok: true });
    expect(await history.stats("s")).toMatchObject([
      {
        tool: "t",
        runs: 4,
        failed: 1,
        success_rate: 0.75,
        error_rate: 0.25,
        last_at: 3,
        p50_ms: 20,
        p95_ms: 40,
        cpu_ms: 6,
        max_rss_kb: 3000,
      },
      { tool: "other", runs: 1, success_rate: 1, error_rate: 0, cpu_ms: null, max_rss_kb: null },
    ]);
    await history.close();
  });

  it("goes on with a file of an earlier version", async () => {
    const path = join(folder, "history.db");
    const old = new DatabaseSync(path);
    old.exec(
      "create table runs (skill_id text not null, version text not null, tool text not null, ok integer not null, " +
        "code text, started_at integer not null, wall_ms real not null, cpu_ms real) strict; " +
        "insert into runs values ('s', '1.0.0', 't', 1, null, 0, 1.5, null)",
    );
    old.close();
    const history = new RunHistory(path);
    history.add(entry(2));
    expect(await history.recent("s")).toEqual([entry(2), entry(0)]);
    await history.close();
  });

  it("loses runs, and nothing else, when its file can't be used", async () => {
    const path = join(folder, "history.db");
    writeFileSync(path, "not a database at all ".repeat(200));
    const history = new RunHistory(path);
    history.add(entry(1));
    expect(await history.flush()).toBeUndefined();
    expect(await history.close()).toBeUndefined();
  });
});
