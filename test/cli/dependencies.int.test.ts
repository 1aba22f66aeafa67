import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cli, type Ran } from "./recording-terminal.ts";

const folder = mkdtempSync(join(tmpdir(), "skillwright-cli-dependencies-"));
const dir = join(folder, "home");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const at = (...argv: readonly string[]): Promise<Ran> => cli([...argv, "--dir", dir]);

function write(path: string, id: string, tables = ""): void {
  mkdirSync(path, { recursive: true });
  const head = `id = "${id}"\nname = "${id}"\nversion = "1.3.0"\ndescription = "A part"\n`;
  writeFileSync(join(path, "manifest.toml"), head + tables);
  writeFileSync(join(path, "skill.py"), "def tell() -> str:\n    return 'told'\n");
}

beforeAll(async () => {
  await at("list");
  write(join(dir, "git-utils"), "git-utils");
  write(join(folder, "report"), "report", '[dependencies]\ngit-utils = "^1.0.0"\n');
});

test("install shows what it installed before, disable warns of who needs it, uninstall says who goes first", async () => {
  const installed = await at("install", join(folder, "report"), "--json");
  expect(installed.json()).toMatchObject({
    skill_info: { id: "report" },
    dependencies: [{ id: "git-utils", version: "1.3.0", status: "pending" }],
  });
  await at("activate", "git-utils");
  expect((await at("disable", "git-utils")).stdout).not.toContain("warning");
  await at("enable", "git-utils");
  await at("activate", "report");
  const warned = await at("disable", "git-utils");
  expect(warned.code).toBe(0);
  expect(warned.stdout).toContain('"report 1.3.0" serves and needs "git-utils" ^1.0.0');
  const kept = await at("uninstall", "git-utils", "--yes");
  expect(kept.code).not.toBe(0);
  expect(kept.notes).toContain('uninstall "report" first');
});

test("lock writes down what serves, and install --frozen brings exactly that back", async () => {
  expect((await at("install", "--frozen", "--json")).json()).toMatchObject({ error: { code: "not_found" } });
  await at("enable", "git-utils");
  expect((await at("lock")).stdout).toMatch(/^locked 2 skills in \S+skills\.lock$/);
  await at("uninstall", "report", "--yes");
  await at("uninstall", "git-utils", "--yes");
  write(join(dir, "git-utils"), "git-utils");
  const back = await at("install", "--frozen", "--offline", "--activate", "--json");
  expect(back.json()).toMatchObject({
    skills: [{ id: "git-utils", status: "active" }, { id: "report", status: "active" }],
    installed: ["git-utils", "report"],
  });
  expect((await at("install", "--frozen")).stdout).toContain("report 1.3.0 active");
  write(join(folder, "report"), "report");
  expect((await at("install", join(folder, "report"), "--frozen")).notes).toContain("digest_mismatch");
  for (const wrong of [["install"], ["install", "--activate", "x"], ["install", "--frozen", "--test"]]) {
    expect((await at(...wrong)).code).toBe(2);
  }
});
