import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type RunEntry, RunHistory } from "../../src/observe/history.ts";

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

  it("loses runs, and nothing else, when its file can't be used", async () => {
    const path = join(folder, "history.db");
    writeFileSync(path, "not a database at all ".repeat(200));
    const history = new RunHistory(path);
    history.add(entry(1));
    expect(await history.flush()).toBeUndefined();
    expect(await history.close()).toBeUndefined();
  });
});
