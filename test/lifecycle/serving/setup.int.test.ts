import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type TestHome, testHome } from "../support/open-home.ts";

let home: TestHome;
beforeEach(() => {
  home = testHome();
});
afterEach(() => home.close());

/** A skill whose setup answers `answer`, a Python expression. */
function settable(answer: string, version = "1.0.0"): Record<string, string> {
  return {
    "manifest.toml": `id = "units"
name = "Units"
version = "${version}"
description = "Tells its units"
setup = "configure"
default_tool = "tell"

[[tools]]
name = "tell"
output_schema = { type = "string" }

[[credentials]]
name = "UNITS_KEY"
description = "A key"
`,
    "skill.py": `# /// script
# dependencies = []
# ///
import os


def tell() -> str:
    return os.environ.get("UNITS", "none")


def configure() -> object:
    print("asked the service")
    return ${answer}
`,
    "tests/test_units.py": `import os


def test_units():
    assert os.environ.get("UNITS", "none") in ("none", "metric")
`,
  };
}

describe("setup", () => {
  it("runs after activation only, with the secrets, and what it answers is there in later runs and tests", async () => {
    const library = await home.open();
    const answer = '{"env": {"UNITS": "metric"}, "key": len(os.environ["UNITS_KEY"])}';
    await library.install(home.write("v1", settable(answer)));
    await library.secrets.set({ skill: "units", name: "UNITS_KEY", value: "12345678" });
    await expect(library.setup("units")).rejects.toMatchObject({
      code: "not_active",
      message: '"units" cannot be set up: it 1.0.0 is pending',
      fix: "activate it first: skillwright activate units",
    });
    await library.activate("units");
    expect((await library.run("units", {})).value).toBe("none");
    expect(await library.setup("units", { actor: { via: "cli" } })).toMatchObject({
      skill_id: "units",
      value: { key: 8 },
      env: { UNITS: "metric" },
      logs: "asked the service\n",
    });
    expect((await library.run("units", {})).value).toBe("metric");
    expect(await library.test("units")).toMatchObject({ passed: true });
    const file = join(home.dir, ".runtime/units/data/files/.skill_env.json");
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual({ UNITS: "metric" });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const log = readFileSync(join(home.dir, ".runtime/units/1.0.0/slots/A/logs/setup.log"), "utf8");
    expect(log).toContain("asked the service");
    // It belongs to the skill, not to a version.
    await library.install(home.write("v2", settable("None", "2.0.0")));
    await library.activate("units");
    expect((await library.run("units", {})).value).toBe("metric");
  });

  it("reaches processes that another host has warm", async () => {
    const library = await home.open(), other = await home.open();
    await library.install(home.write("v1", settable('{"env": {"UNITS": "metric"}}')));
    await library.secrets.set({ name: "UNITS_KEY", value: "12345678" });
    await library.activate("units");
    expect((await other.run("units", {})).value).toBe("none");
    await library.setup("units");
    expect((await other.run("units", {})).value).toBe("metric");
  });

  it("names missing secrets before anything starts", async () => {
    const library = await home.open();
    await library.install(home.write("v1", settable("None")));
    await library.activate("units");
    await expect(library.setup("units")).rejects.toMatchObject({
      code: "secrets_missing",
      details: { missing_secrets: ["UNITS_KEY"] },
    });
  });

  it.each([
    ['{"env": {"A": 1}}', "its values are not all text"],
    ['{"env": {"PYTHONPATH": "/tmp"}}', '"PYTHONPATH" is not for skills to set'],
    ['{"env": {"LD_PRELOAD": "/tmp/x.so"}}', '"LD_PRELOAD" is not for skills to set'],
    ['{"env": {"A B": "x"}}', '"A B" is no name'],
    ['{"env": {"A": "x" * 5000}}', '"A" is too long or not text'],
    ['{"env": {"A" + str(n): "x" for n in range(65)}}', "it has 65 names, the limit is 64"],
  ])("refuses the answer %s", async (answer, reason) => {
    const library = await home.open();
    await library.install(home.write("v1", settable(answer)));
    await library.secrets.set({ name: "UNITS_KEY", value: "12345678" });
    await library.activate("units");
    await expect(library.setup("units")).rejects.toMatchObject({
      code: "invalid_output",
      message: expect.stringContaining(reason),
    });
    expect((await library.run("units", {})).value).toBe("none");
  });

  it("says so when a skill has none", async () => {
    const library = await home.open();
    const files = settable("None");
    const manifest = (files["manifest.toml"] ?? "").replace('setup = "configure"\n', "").replace(
      /\[\[credentials\]\][^]*/,
      "",
    );
    await library.install(home.write("v1", { ...files, "manifest.toml": manifest }));
    await library.activate("units");
    await expect(library.setup("units")).rejects.toMatchObject({ code: "tool_not_found" });
  });
});
