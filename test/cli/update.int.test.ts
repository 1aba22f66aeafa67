import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { bareRepository } from "../lifecycle/support/bare-repository.ts";
import { cli, type Ran } from "./recording-terminal.ts";

const folder = mkdtempSync(join(tmpdir(), "skillwright-cli-update-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const TEMPLATE = join(folder, "template/word_count");
let homes = 0, dir = "", source = "";

const at = (...argv: readonly string[]): Promise<Ran> => cli([...argv, "--dir", dir]);

async function document(...argv: readonly string[]): Promise<Record<string, unknown>> {
  return (await at(...argv, "--json")).json() as Record<string, unknown>;
}

/** Makes the source another version, with more in its manifest and in its script. */
function write(version: string, manifest = "", script = ""): void {
  rmSync(source, { recursive: true, force: true });
  cpSync(TEMPLATE, source, { recursive: true });
  const change = (file: string, more: string): void => {
    const text = readFileSync(join(TEMPLATE, file), "utf8");
    writeFileSync(
      join(source, file),
      `${text.replace('version = "0.1.0"', `version = "${version}"`)}\n${more}`,
    );
  };
  change("manifest.toml", manifest);
  change("skill.py", script);
}

async function serving(): Promise<unknown> {
  return (await document("status", "word_count") as { skill_info: { serving: unknown } }).skill_info.serving;
}

beforeEach(async () => {
  const made = join(folder, String(++homes));
  [dir, source] = [join(made, "home"), join(made, "word_count")];
  if (homes === 1) await at("new", TEMPLATE);
  write("1.0.0");
  await at("install", source);
  await at("activate", "word_count");
});

describe("update", () => {
  test("brings what serves to the newer version where it came from, tested", async () => {
    expect(await document("update", "word_count")).toMatchObject({
      updated: false,
      tests: null,
      to: "1.0.0",
    });
    expect((await at("update", "word_count")).stdout).toContain("already up to date");
    write("1.1.0");
    expect(await document("update", "word_count")).toMatchObject({
      skill_info: { version: "1.1.0", status: "active" },
      updated: true,
      from: "1.0.0",
      to: "1.1.0",
      source,
      tests: { passed: true },
      new_permissions: [],
    });
    await at("rollback", "word_count");
    expect(await serving()).toMatchObject({ version: "1.0.0" });
  });

  test("leaves what serves when the tests fail", async () => {
    write("1.1.0", "", "raise RuntimeError('broken')\n");
    const { code, stdout } = await at("update", "word_count");
    expect(code).toBe(1);
    expect(stdout).toContain("1.1.0 did not pass its tests, 1.0.0 goes on serving");
    expect(await serving()).toMatchObject({ version: "1.0.0", status: "active" });
    write("1.2.0");
    mkdirSync(join(source, "tests"), { recursive: true });
    writeFileSync(join(source, "tests/test_no.py"), "def test_no():\n    assert False\n");
    expect(await document("update", "word_count")).toMatchObject({
      updated: false,
      tests: { passed: false },
    });
    expect(await serving()).toMatchObject({ version: "1.0.0" });
    writeFileSync(join(source, "extra.txt"), "other bytes");
    expect(await document("update", "word_count", "--no-test")).toMatchObject({ updated: true, tests: null });
  });

  test("refuses a lower version unless it is allowed", async () => {
    write("0.9.0");
    expect(await document("update", "word_count")).toMatchObject({
      error: { code: "invalid_transition", details: { from: "1.0.0", to: "0.9.0" } },
    });
    expect(await document("status", "word_count")).toMatchObject({ skill_info: { candidate: null } });
    expect(await document("update", "word_count", "--allow-downgrade")).toMatchObject({ updated: true });
    expect(await serving()).toMatchObject({ version: "0.9.0" });
  });

  test("never takes more permissions without being told to", async () => {
    write("1.1.0", '[security.permissions]\nnetwork_access = ["api.example"]\n');
    const refused = await document("update", "word_count");
    expect(refused).toMatchObject({
      error: {
        code: "approval_required",
        message: expect.stringContaining("network: api.example"),
        details: { new_permissions: ["network: api.example"] },
      },
    });
    expect(await document("status", "word_count")).toMatchObject({
      skill_info: { candidate: null, serving: { version: "1.0.0" } },
    });
    const { stdout } = await at("update", "word_count", "--yes", "--no-test");
    expect(stdout).toContain("may now network: api.example");
    write("1.2.0", '[security.permissions]\nnetwork_access = ["api.example"]\n');
    expect(await document("update", "word_count", "--no-test")).toMatchObject({
      updated: true,
      new_permissions: [],
    });
  });

  test("follows a branch of the repository that it came from", async () => {
    const bare = bareRepository(join(folder, String(homes), "git"));
    bare.push(source, "word_count");
    const git = `git+${bare.url}@main#word_count`;
    await at("uninstall", "word_count", "--yes");
    await at("install", git);
    await at("activate", "word_count");
    write("2.0.0");
    bare.push(source, "word_count");
    expect(await document("update", "word_count")).toMatchObject({ updated: true, to: "2.0.0", source: git });
  });

  test("takes a given source, of that skill only, and only for what serves", async () => {
    const elsewhere = join(folder, String(homes), "word_count-3.tar.gz");
    write("3.0.0");
    await at("pack", source, "--out", elsewhere);
    write("1.0.0");
    expect(await document("update", "word_count", elsewhere)).toMatchObject({
      to: "3.0.0",
      source: elsewhere,
    });
    const other = join(folder, String(homes), "other");
    await at("new", other);
    expect(await document("update", "word_count", other)).toMatchObject({
      error: { code: "invalid_input", message: 'the source holds "other", not "word_count"' },
    });
    await at("disable", "word_count");
    expect(await document("update", "word_count", source)).toMatchObject({ error: { code: "not_active" } });
  });
});
