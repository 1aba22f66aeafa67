import { existsSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OpenedLibrary } from "../../src/lifecycle/library.ts";
import { romanSkill, type TestHome, testHome } from "./support/open-home.ts";

/** What of a home shows the state of the one skill in it. */
function shown(dir: string): Record<string, unknown> {
  const text = (path: string): string | null =>
    existsSync(join(dir, path)) ? readFileSync(join(dir, path), "utf8").trim() : null;
  const version = (path: string): string | null => /return "(.*)"/.exec(text(path) ?? "")?.[1] ?? null;
  const [record] =
    (JSON.parse(text(".state/python_registry.json") ?? "") as { skills: Record<string, unknown>[] }).skills;
  return {
    registry: `${String(record?.["version"])} ${String(record?.["status"])}`,
    error: record?.["last_error"],
    script: version("roman.py"),
    disabled: version(".state/disabled/roman.py"),
    listed: version(String(record?.["script_path"])),
    active: text(".runtime/roman/active"),
    previous: text(".runtime/roman/previous"),
  };
}

describe("the lifecycle of a skill", () => {
  let home: TestHome, library: OpenedLibrary;
  beforeAll(async () => {
    home = testHome();
    library = await home.open();
  });
  afterAll(() => home.close());

  it("shows in files what the registry says at each step of the papers' walk", async () => {
    const step = async (change: Promise<unknown>): Promise<Record<string, unknown>> => {
      await change;
      return shown(home.dir);
    };
    const nothing = { error: null, script: null, disabled: null, active: null, previous: null };
    const v1 = { ...nothing, script: "1.0.0", listed: "1.0.0" };

    expect(await step(library.install(home.write("v1", romanSkill("1.0.0"))))).toEqual({
      ...v1,
      registry: "1.0.0 pending",
    });
    expect(await step(library.advance("roman", "testing"))).toEqual({ ...v1, registry: "1.0.0 testing" });
    const active = { ...v1, registry: "1.0.0 active", active: "1.0.0" };
    expect(await step(library.advance("roman", "active"))).toEqual(active);
    expect(await step(library.disable("roman"))).toEqual({
      ...nothing,
      registry: "1.0.0 disabled",
      disabled: "1.0.0",
      listed: "1.0.0",
    });
    expect(await step(library.activate("roman"))).toEqual(active);

    // an update waits beside what serves, and keeps a snapshot of it
    expect(await step(library.install(home.write("v2", romanSkill("2.0.0"))))).toEqual(active);
    const digest = (await library.generations("roman"))[0]?.digest ?? "";
    const kept = readFileSync(join(home.dir, ".state/snapshots/roman", digest, "skill.py"), "utf8");
    expect(kept).toContain('return "1.0.0"');
    expect((await library.run("roman", {}, { tool: "tell" })).value).toBe("1.0.0");
    expect(await library.info("roman")).toMatchObject({
      status: "active",
      version: "1.0.0",
      serving: { version: "1.0.0" },
      candidate: { version: "2.0.0", status: "pending" },
    });

    expect(await step(library.activate("roman"))).toMatchObject({
      registry: "2.0.0 active",
      script: "2.0.0",
      active: "2.0.0",
      previous: "1.0.0",
    });
    expect((await library.run("roman", {}, { tool: "tell" })).value).toBe("2.0.0");
    expect(await step(library.quarantine("roman", "it lies"))).toEqual({
      ...nothing,
      registry: "2.0.0 quarantined",
      error: "it lies",
      disabled: "2.0.0",
      listed: "2.0.0",
      previous: "1.0.0",
    });
    await expect(library.run("roman", { number: 1 })).rejects.toMatchObject({
      code: "not_active",
      fix: expect.stringContaining("it lies"),
    });
    expect(await step(library.rollback("roman"))).toMatchObject({
      registry: "1.0.0 active",
      script: "1.0.0",
      active: "1.0.0",
    });
    expect((await library.run("roman", {}, { tool: "tell" })).value).toBe("1.0.0");

    const statuses = (await library.generations("roman")).map(({ version, status }) =>
      `${version} ${status}`
    );
    expect(statuses).toEqual(["1.0.0 active", "2.0.0 quarantined"]);
    await expect(library.rollback("roman")).rejects.toMatchObject({ code: "nothing_to_roll_back" });
    expect(await library.check()).toEqual([]);
  });

  it("gives a version two slots that point at builds and keep folders of their own", async () => {
    const slots = join(home.dir, ".runtime/roman/1.0.0/slots");
    expect(readlinkSync(join(slots, "A/src"))).toMatch(/^\.\.\/\.\.\/\.\.\/builds\/[0-9a-f]{64}\/src$/);
    expect(readFileSync(join(slots, "A/src/skill.py"), "utf8")).toContain("to_roman");
    expect(JSON.parse(readFileSync(join(slots, "A/resolved.manifest.json"), "utf8"))).toMatchObject({
      format: 1,
      default_tool: "to_roman",
      serve: "functions",
    });
    for (const own of ["cache", "logs", "tmp"]) expect(existsSync(join(slots, "B", own))).toBe(true);
    expect(existsSync(join(slots, "B/src"))).toBe(false);
    expect(readFileSync(join(home.dir, ".runtime/roman/1.0.0/active"), "utf8")).toBe("A\n");
  });

  it("installs the same version with other bytes into the other slot", async () => {
    const changed = romanSkill("1.0.0", { "notes.txt": "changed" });
    const info = await library.install(home.write("v1b", changed));
    expect(info).toMatchObject({
      version: "1.0.0",
      status: "pending",
      candidate: { slot: "B" },
      serving: { slot: "A" },
    });
    await library.activate("roman");
    const version = join(home.dir, ".runtime/roman/1.0.0");
    expect([readFileSync(join(version, "active"), "utf8"), readFileSync(join(version, "previous"), "utf8")])
      .toEqual(["B\n", "A\n"]);
    await library.rollback("roman");
    expect((await library.info("roman")).serving?.slot).toBe("A");
  });

  it("refuses the steps that the table does not have", async () => {
    await expect(library.advance("roman", "testing")).rejects.toMatchObject({ code: "invalid_transition" });
    await expect(library.advance("roman", "pending")).rejects.toMatchObject({ code: "invalid_transition" });
    await expect(library.info("romann")).rejects.toMatchObject({
      code: "not_found",
      fix: 'did you mean "roman"',
    });
  });

  it("passes disabled when a quarantined skill is activated, and keeps it refused to a single step", async () => {
    await library.quarantine("roman", "look at it");
    await expect(library.advance("roman", "active")).rejects.toMatchObject({ code: "invalid_transition" });
    expect(await library.activate("roman")).toMatchObject({ status: "active", last_error: null });
  });
});
