import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { OpenedLibrary } from "../../src/lifecycle/library.ts";
import { romanSkill, type TestHome, testHome } from "./support/open-home.ts";

let home: TestHome, library: OpenedLibrary;
beforeEach(async () => {
  home = testHome();
  library = await home.open();
});
afterEach(() => home.close());

const at = (path: string): string => join(home.dir, path);
const read = (path: string): string => readFileSync(at(path), "utf8");
const VERSION = ".runtime/roman/1.0.0";

function skill(id: string, source: string, manifest = ""): string {
  return home.write(id, {
    "manifest.toml":
      `id = "${id}"\nname = "${id}"\nversion = "1.0.0"\ndescription = "A skill of a test"\n${manifest}`,
    "skill.py": source,
    "helper.py": 'NAME = "helper"\n',
  });
}

describe("a slot", () => {
  it("keeps test results, times, default tool and history in meta.json, and logs of what was done", async () => {
    await library.install(home.write("v1", romanSkill()), { test: true });
    await library.activate("roman");
    const held = {
      status: "active",
      last_error: null,
      tests: { passed: true, handshake: true, cases: { passed: 2, failed: 0 } },
      installed_at: expect.any(Number),
      updated_at: expect.any(Number),
    };
    expect(JSON.parse(read(`${VERSION}/meta.json`))).toMatchObject({
      id: "roman",
      version: "1.0.0",
      default_tool: "to_roman",
      slots: { A: held, B: null },
      history: [{ generation: 1, slot: "A", ...held }],
    });
    expect(read(`${VERSION}/slots/A/logs/install.log`)).toContain("installed roman 1.0.0");
    expect(read(`${VERSION}/slots/A/logs/tests.log`)).toContain("handshake passed");
    expect(read(`${VERSION}/slots/A/logs/activate.log`)).toContain("roman 1.0.0 serves from slot A");
  });

  it("runs as its resolved manifest says, whatever the source manifest says", async () => {
    await library.install(home.write("v1", romanSkill()));
    await library.activate("roman");
    const source = read("roman/manifest.toml");
    writeFileSync(
      at("roman/manifest.toml"),
      source.replace('default_tool = "to_roman"', 'default_tool = "tell"'),
    );
    const resolved = JSON.parse(read(`${VERSION}/slots/A/resolved.manifest.json`)) as {
      default_tool: string;
    };
    const { tool, value } = await library.run("roman", { number: 4 });
    expect([resolved.default_tool, tool, value]).toEqual(["to_roman", "to_roman", "IV"]);
  });

  it("becomes the one that serves in one transaction", async () => {
    await library.install(home.write("v1", romanSkill()), { test: true });
    const before = await library.revision();
    await library.activate("roman");
    expect(await library.revision()).toBe(before + 1);
  });

  it("is tested as it is installed, whatever stands in the source folder", async () => {
    await library.install(home.write("v1", romanSkill()));
    await library.activate("roman");
    const build = (await library.generations("roman"))[0]?.build;
    writeFileSync(at("roman/skill.py"), "raise RuntimeError('being written')\n");
    writeFileSync(at("roman/manifest.toml"), "being written");
    expect(await library.test("roman")).toMatchObject({ passed: true, examples: [{}, {}] });
    expect((await library.run("roman", { number: 9 })).value).toBe("IX");
    expect((await library.generations("roman")).map((one) => one.build)).toEqual([build]);
  });

  it("gives the tests its interpreter, its sources and its helpers", async () => {
    const files = romanSkill("1.0.0", {
      "helper.py": 'NAME = "helper"\n',
      "tests/test_place.py":
        "import skill\nimport helper\n\n\ndef test_place():\n    assert skill.to_roman(4) == 'IV'\n    assert helper.NAME == 'helper'\n",
    });
    await library.install(home.write("v1", files));
    expect((await library.test("roman")).cases).toMatchObject([{ status: "passed" }]);
  });

  it("serves from a home that was moved", async () => {
    await library.install(home.write("v1", romanSkill()));
    await library.activate("roman");
    await library.close();
    const moved = join(home.folder, "moved");
    renameSync(home.dir, moved);
    const again = await home.open({ dir: moved });
    expect(await again.check()).toEqual([]);
    expect((await again.run("roman", { number: 4 })).value).toBe("IV");
    const script = readFileSync(join(moved, VERSION, "slots/A/src/skill.py"), "utf8");
    expect(script).toContain("def to_roman");
  });
});

describe("the record of a skill", () => {
  it("has the ten fields of the papers, with paths relative to the home, and the list is sorted by id", async () => {
    await library.install(skill("zeta", "def invoke():\n    return 1\n"));
    await library.install(skill("alpha", "def invoke():\n    return 1\n"));
    const { skills } = JSON.parse(read(".state/python_registry.json")) as { skills: unknown[] };
    expect(skills).toEqual(["alpha", "zeta"].map((id) => ({
      id,
      name: id,
      version: "1.0.0",
      status: "pending",
      script_path: `${id}.py`,
      work_dir: `.runtime/${id}/1.0.0/slots/A`,
      last_known_good_snapshot: null,
      last_error: null,
      installed_at: expect.any(Number),
      updated_at: expect.any(Number),
    })));
    const listed = await library.list();
    expect(listed.map(({ id }) => id)).toEqual(["alpha", "zeta"]);
    expect(listed[0]).toMatchObject({
      id: "alpha",
      name: "alpha",
      version: "1.0.0",
      status: "pending",
      last_error: null,
    });
    expect(JSON.stringify(listed)).not.toMatch(/\.runtime|\.state|\.py|\/home/);
  });

  it("is not found by another id", async () => {
    await library.install(home.write("v1", romanSkill("1.0.0")));
    await expect(library.advance("nobody", "testing")).rejects.toMatchObject({ code: "not_found" });
  });

  it("goes back to the snapshot when nothing served before, else to what did", async () => {
    await library.install(home.write("v1", romanSkill("1.0.0")));
    await library.install(home.write("v2", romanSkill("2.0.0")));
    await library.activate("roman");
    expect(read("roman.py")).toBe(romanSkill("2.0.0")["skill.py"]);
    expect(await library.rollback("roman")).toMatchObject({ version: "1.0.0", status: "active" });
    expect(read("roman.py")).toBe(romanSkill("1.0.0")["skill.py"]);
    expect(await library.rollback("roman")).toMatchObject({ version: "2.0.0", status: "active" });
  });
});

describe("limits", () => {
  const FOREVER =
    "import helper\n\n\ndef short():\n    while True:\n        pass\n\n\ndef fine():\n    return helper.NAME\n";

  it("end a call after the tool's own timeout, and the sources of the slot are on the module path", async () => {
    const tools = '[[tools]]\nname = "fine"\n[[tools]]\nname = "short"\ntimeout = 0.5\n';
    await library.install(skill("loop", FOREVER, tools));
    await library.activate("loop");
    expect((await library.run("loop", {})).value).toBe("helper");
    await expect(library.run("loop", {}, { tool: "short" })).rejects.toMatchObject({
      code: "timeout",
      details: { timeout_ms: 500 },
    });
  });

  it("end a call after the manifest's execution time", async () => {
    const manifest = 'default_tool = "short"\n[[tools]]\nname = "fine"\n[[tools]]\nname = "short"\n' +
      "[security.resource_limits]\nmax_execution_time = 0.5\n";
    await library.install(skill("loop", FOREVER, manifest));
    await library.activate("loop");
    await expect(library.run("loop", {})).rejects.toMatchObject({
      code: "timeout",
      details: { timeout_ms: 500 },
    });
  });

  it("install nothing for which there is no Python", async () => {
    const source = skill("future", "def invoke():\n    return 1\n", 'min_python = "99.0"\n');
    await expect(library.install(source)).rejects.toMatchObject({ code: "python_unavailable" });
    expect(existsSync(at("future.py"))).toBe(false);
  });
});
