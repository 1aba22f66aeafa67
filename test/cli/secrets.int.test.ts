import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cli, type CliOptions, type Ran } from "./recording-terminal.ts";

const folder = mkdtempSync(join(tmpdir(), "skillwright-cli-secrets-"));
const dir = join(folder, "home");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const at = (argv: readonly string[], options: CliOptions = {}): Promise<Ran> =>
  cli([...argv, "--dir", dir], options);

const SCRIPT = `# /// script
# dependencies = []
#
# [tool.skillwright]
# id = "keyed"
# name = "Keyed"
# version = "1.0.0"
# description = "Tells how long its key is"
#
# [[tool.skillwright.credentials]]
# name = "API_KEY"
# description = "A key"
# ///
import os


def invoke() -> int:
    return len(os.environ["API_KEY"])
`;

beforeAll(async () => {
  const script = join(folder, "keyed.py");
  writeFileSync(script, SCRIPT);
  for (const argv of [["install", script], ["activate", "keyed"]]) {
    const ran = await at(argv);
    if (ran.code !== 0) throw new Error(ran.notes);
  }
});

describe("skillwright secrets", () => {
  test("a missing one is told with the command that sets it, which a pipe can feed", async () => {
    const ran = await at(["run", "keyed", "--json"]);
    expect(ran.code).toBe(1);
    expect(ran.json()).toMatchObject({
      error: {
        code: "secrets_missing",
        fix: expect.stringMatching(/^skillwright secrets set --dir \S+ API_KEY --skill keyed$/),
      },
    });
    const set = await at(["secrets", "set", "API_KEY", "--skill", "keyed"], { stdin: "from-a-pipe\n" });
    expect(set).toMatchObject({ code: 0, stdout: "stored API_KEY for keyed" });
    expect((await at(["run", "keyed"])).stdout).toBe("11");
  });

  test("are listed and exported without values, exported with them by --show, and imported again", async () => {
    expect((await at(["secrets", "set", "WIDE", "w1"])).stdout).toBe("stored WIDE for all skills");
    expect((await at(["secrets", "list"])).stdout).toBe("WIDE for all skills\nAPI_KEY for keyed");
    expect((await at(["secrets", "list", "--skill", "keyed", "--json"])).json()).toMatchObject({
      secrets: [{ skill_id: "keyed", name: "API_KEY" }],
    });
    const redacted = (await at(["secrets", "export"])).stdout;
    expect(JSON.parse(redacted)).toEqual({
      format: 1,
      home: { WIDE: "<redacted>" },
      skills: { keyed: { API_KEY: "<redacted>" } },
    });
    const shown = (await at(["secrets", "export", "--show", "--json"])).stdout;
    expect(JSON.parse(shown)).toMatchObject({ skills: { keyed: { API_KEY: "from-a-pipe" } } });
    expect((await at(["secrets", "remove", "API_KEY", "--skill", "keyed"])).stdout).toBe("removed API_KEY");
    expect((await at(["run", "keyed"])).notes).toContain("secrets_missing");
    expect((await at(["secrets", "import", "-"], { stdin: redacted })).stdout.split("\n")).toEqual([
      "skipped WIDE for all skills: its value is redacted",
      "skipped API_KEY for keyed: its value is redacted",
    ]);
    const backup = join(folder, "backup.json");
    writeFileSync(backup, shown);
    expect((await at(["secrets", "import", backup])).stdout).toContain("stored API_KEY for keyed");
    expect((await at(["run", "keyed"])).stdout).toBe("11");
  });

  test.each([
    [["remove", "NONE"], 1, "not_found", 'the home has no secret "NONE"'],
    [["set", "API_KEY", "x", "--skill", "keyd"], 1, "not_found", 'no skill has the id "keyd"'],
    [["set", "A B", "x"], 2, "invalid_input", '"A B" is no name for a secret'],
    [["import", join(folder, "nowhere.json")], 2, "invalid_input", "cannot be read"],
  ])("%j fails with a clear error", async (argv, code, name, message) => {
    const ran = await at(["secrets", ...argv, "--json"]);
    expect(ran.code).toBe(code);
    expect(ran.json()).toMatchObject({ error: { code: name, message: expect.stringContaining(message) } });
  });
});

test("uninstall asks before it removes, and where nobody can be asked it wants --yes", async () => {
  const refused = await at(["uninstall", "keyed", "--json"]);
  expect(refused.code).toBe(2);
  expect(refused.json()).toMatchObject({ error: { code: "invalid_input", fix: "add --yes" } });
  const gone = await at(["uninstall", "keyed", "--yes"]);
  expect(gone).toMatchObject({ code: 0, stdout: "removed keyed 1.0.0" });
  expect((await at(["run", "keyed"])).notes).toContain("not_found");
});
