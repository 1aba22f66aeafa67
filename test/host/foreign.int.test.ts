import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, describe, expect, test } from "vitest";
import { findPython } from "../../src/environment/toolchain/find-python.ts";
import { HOST_COMMANDS } from "../../src/host/host.ts";
import { docTable } from "../docs-blocks.ts";

const path = (name: string): string => fileURLToPath(new URL(`../../${name}`, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "skillwright-foreign-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Step {
  readonly command: string;
  readonly ok: boolean;
  readonly keys?: readonly string[];
  readonly code?: string;
}

describe("a host program in Python", () => {
  test("drives every host command over JSON lines, calls side by side, and the host ends with its input", async () => {
    const { path: python } = await findPython({ env: process.env });
    const deno = "Deno" in globalThis ? ["run", "-A"] : [];
    const host = [
      process.execPath,
      ...deno,
      path("src/cli/bin.ts"),
      "host",
      "--stdio",
      "--dir",
      join(folder, "home"),
    ];
    const args = ["-I", "-B", path("examples/host/tour.py"), path("examples/skills/slugify"), "--", ...host];
    // -I leaves the folder of the script out
    const { stdout, stderr } = await promisify(execFile)(python, args.slice(1), { encoding: "utf8" });
    const { steps, exit_code } = JSON.parse(stdout) as { steps: readonly Step[]; exit_code: number };
    expect(exit_code).toBe(0);
    expect([...new Set(steps.map(({ command }) => command))].toSorted()).toEqual(
      [...HOST_COMMANDS.keys()].toSorted(),
    );
    expect(steps.filter(({ ok }) => !ok).map(({ command, code }) => `${command} ${code}`)).toEqual([
      "skill.run not_active",
      "skill.setup tool_not_found",
      "skill.rollback nothing_to_roll_back",
    ]);
    expect(stderr).toMatch(/^ {2}discover finished \d+ ms/m);
    expect(stderr).toMatch(/^ {2}propose finished \d+ ms/m);
    expect(steps.find(({ command, ok }) => command === "skill.run" && ok)?.keys).toContain("value");
  });
});

describe("docs/host.md", () => {
  const rows = docTable("docs/host.md", "| command | payload |");

  test("tells every host command, with every key of its payload", () => {
    const keys = [...HOST_COMMANDS].map(([name, { payload }]) => {
      const { shape } = payload as unknown as { readonly shape: object };
      return [name, Object.keys(shape).toSorted()];
    });
    const told = rows.map(([name = "", payload = ""]) => [
      name.replaceAll("`", ""),
      [...payload.matchAll(/`(\w+)`/g)].map(([, key = ""]) => key).toSorted(),
    ]);
    expect(Object.fromEntries(told)).toEqual(Object.fromEntries(keys));
  });
});
