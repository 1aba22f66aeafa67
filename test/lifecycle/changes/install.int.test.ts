import { existsSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { OpenedLibrary } from "../../../src/lifecycle/library.ts";
import { romanSkill, type TestHome, testHome } from "../support/open-home.ts";
import type { SkillProposal } from "../../../src/lifecycle/changes/proposals.ts";
import type { StagedBuild } from "../../../src/lifecycle/packages/build.ts";

let home: TestHome, library: OpenedLibrary;
beforeEach(async () => {
  home = testHome();
  library = await home.open();
});
afterEach(() => home.close());

function staging(): readonly string[] {
  return readdirSync(join(home.dir, ".state/staging"));
}

async function built(files = romanSkill()): Promise<StagedBuild> {
  const { key } = await library.stage(files);
  return await library.build(key);
}

function proposalOf(
  staged: StagedBuild,
  files: Readonly<Record<string, string>>,
): Omit<SkillProposal, "id" | "status" | "created_at"> {
  const { manifest } = staged.resolved;
  return {
    intent: "roman numerals please",
    skill_id: manifest.id,
    name: manifest.name,
    description: manifest.description,
    version: manifest.version,
    manifest_toml: files["manifest.toml"] ?? "",
    script_source: files["skill.py"] ?? "",
    credentials: [],
    dependencies: [],
    staging_dir: staged.dir,
    digest: staged.digest,
    files,
    findings: [],
    tests: null,
    permissions: manifest.security.permissions,
    maker: "a person",
    rounds: 1,
  };
}

describe("install", () => {
  it("installs the very files that were tested", async () => {
    const staged = await built();
    const inode = statSync(join(staged.dir, "src/skill.py")).ino;
    const tests = await library.testBuild(staged, { examples: [{ input: { number: 9 }, expected: "IX" }] });
    expect(tests).toMatchObject({ passed: true, given: [{ status: "passed" }] });
    const info = await library.installStaged(staged.key, { tests, triggers: ["roman, please"] });
    expect(info).toMatchObject({ status: "pending", candidate: { digest: staged.digest } });
    const installed = join(home.dir, ".runtime/roman/builds", staged.build, "src/skill.py");
    expect(statSync(installed).ino).toBe(inode);
    expect(statSync(installed).mode & 0o222).toBe(0);
    expect(staging()).toEqual([]);
    expect((await library.generations("roman"))[0]?.tests).toMatchObject({ passed: true });
    expect((await library.documents())[0]?.triggers).toContain("roman, please");
  });

  it("makes no second generation when the same bytes wait or serve already", async () => {
    const source = home.write("v1", romanSkill());
    await library.install(source);
    await library.install(source);
    await library.activate("roman");
    expect(await library.install(source)).toMatchObject({ status: "active" });
    expect(await library.generations("roman")).toHaveLength(1);
    // control: other bytes do make one
    expect(await library.install(home.write("v2", romanSkill("1.0.1")))).toMatchObject({ status: "pending" });
    expect(await library.generations("roman")).toHaveLength(2);
  });

  it("makes one generation when the same bytes are installed twice at the same time", async () => {
    const source = home.write("v1", romanSkill());
    const [a, b] = await Promise.all([library.install(source), library.install(source)]);
    expect(a).toEqual(b);
    expect(await library.generations("roman")).toHaveLength(1);
    expect(await library.check()).toEqual([]);
  });

  it("disables a candidate that a newer one supersedes", async () => {
    await library.install(home.write("v1", romanSkill("1.0.0")));
    await library.install(home.write("v2", romanSkill("1.1.0")));
    const rows = (await library.generations("roman")).map((
      { version, status, last_error },
    ) => [version, status, last_error]);
    expect(rows).toEqual([["1.0.0", "disabled", "superseded by 1.1.0"], ["1.1.0", "pending", null]]);
  });

  it("keeps tests that failed and refuses to activate what failed them", async () => {
    const bad = romanSkill("1.0.0", {
      "tests/examples.jsonl": '{"input": {"number": 4}, "expected": "IIII"}\n',
    });
    expect(await library.install(home.write("bad", bad), { test: true })).toMatchObject({
      status: "testing",
      last_error: "its tests did not pass",
    });
    await expect(library.activate("roman")).rejects.toMatchObject({
      code: "tests_failed",
      message: expect.stringContaining("1 of 1"),
    });
    const [generation] = await library.generations("roman");
    expect(generation?.tests).toMatchObject({ passed: false, examples: [{ status: "failed", got: "IV" }] });
  });

  it("runs the package's own Python tests and tells which failed", async () => {
    const tests = `from skill import to_roman


def test_four():
    assert to_roman(4) == "IV"


def test_wrong():
    assert to_roman(5) == "IIIII"
`;
    await library.install(home.write("tested", romanSkill("1.0.0", { "tests/test_roman.py": tests })));
    const report = await library.test("roman");
    expect(report.passed).toBe(false);
    expect(report.cases.map(({ name, status }) => [name.split(/[:.]+/).at(-1), status])).toEqual([
      ["test_four", "passed"],
      ["test_wrong", "failed"],
    ]);
    expect(existsSync(join(home.dir, ".runtime/roman/1.0.0/slots/A/logs/tests.log"))).toBe(true);
  });

  it("does not activate a candidate whose handshake fails, and what served goes on", async () => {
    await library.install(home.write("v1", romanSkill("1.0.0")));
    await library.activate("roman");
    const broken = romanSkill("2.0.0");
    broken["skill.py"] += "\nraise RuntimeError('not today')\n";
    await library.install(home.write("v2", broken));
    await expect(library.activate("roman")).rejects.toMatchObject({
      message: expect.stringContaining("not today"),
    });
    expect((await library.run("roman", {}, { tool: "tell" })).value).toBe("1.0.0");
    expect((await library.generations("roman")).map(({ status }) => status)).toEqual(["active", "testing"]);
  });

  it("leaves nothing behind when a package does not pass", async () => {
    const bad = romanSkill();
    bad["skill.py"] = bad["skill.py"]?.replace("def to_roman", "def to_romans") ?? "";
    const failed = library.install(home.write("bad", bad));
    await expect(failed).rejects.toMatchObject({
      code: "validation_failed",
      details: {
        findings: expect.arrayContaining([
          expect.objectContaining({ rule: "script/missing-function", severity: "error" }),
        ]),
      },
    });
    expect([staging(), await library.list(), existsSync(join(home.dir, ".runtime"))]).toEqual([
      [],
      [],
      false,
    ]);
  });

  it("leaves nothing behind when it is cancelled", async () => {
    const abort = new AbortController();
    const install = library.install(home.write("v1", romanSkill()), {
      signal: abort.signal,
      onStage: (stage) => stage === "build" && abort.abort(),
    });
    await expect(install).rejects.toMatchObject({ code: "cancelled" });
    expect([staging(), await library.list()]).toEqual([[], []]);
  });

  it("takes an id for the folder of that name in the home", async () => {
    await library.install(home.write("home/roman", romanSkill()));
    await library.activate("roman");
    writeFileSync(join(home.dir, "roman/notes.txt"), "being written");
    const info = await library.install("roman");
    expect(info).toMatchObject({ status: "pending", serving: { status: "active" } });
    expect(await library.files("roman")).not.toHaveProperty("notes.txt");
    await library.activate("roman");
    expect(await library.files("roman")).toHaveProperty("notes.txt", "being written");
  });

  it("keeps a source folder that somebody works in", async () => {
    await library.install(home.write("v1", romanSkill("1.0.0")));
    writeFileSync(join(home.dir, "roman/draft.txt"), "mine");
    await library.install(home.write("v2", romanSkill("2.0.0")));
    expect(readdirSync(join(home.dir, "roman")).sort()).toEqual([
      "draft.txt",
      "manifest.toml",
      "skill.py",
      "tests",
    ]);
  });

  it("takes a single script with its manifest in the header, with schemas from its type hints", async () => {
    const folder = home.write("single", {
      "caesar.py": `# /// script
# requires-python = ">=3.9"
# dependencies = []
#
# [tool.skillwright]
# id = "caesar"
# name = "Caesar cipher"
# version = "1.0.0"
# description = "Shift letters"
# ///


def shift(text: str, by: int = 3) -> str:
    """Shifts the letters of a text."""
    return "".join(chr((ord(c) - 97 + by) % 26 + 97) if c.islower() else c for c in text)
`,
    });
    await library.install(join(folder, "caesar.py"));
    const info = await library.activate("caesar");
    expect(info.tools).toMatchObject([{
      name: "shift",
      description: "Shifts the letters of a text.",
      input_schema: {
        properties: { text: { type: "string" }, by: { type: "integer", default: 3 } },
        required: ["text"],
      },
      output_schema: { type: "string" },
    }]);
    expect((await library.run("caesar", { text: "abc" })).value).toBe("def");
    await expect(library.run("caesar", { by: 1 })).rejects.toMatchObject({ code: "invalid_input" });
  });

  it("takes a script that speaks JSON-RPC itself", async () => {
    const source = home.write("stdio", {
      "manifest.toml": 'id = "shout"\nname = "Shout"\nversion = "1.0.0"\ndescription = "Upper case"\n',
      "skill.py": `import json
import sys

for line in sys.stdin:
    request = json.loads(line)
    method = request["method"]
    if method == "handshake":
        result = {"name": "shout", "version": "1.0.0"}
    elif method == "invoke":
        result = {"text": request["params"]["text"].upper()}
    elif method == "health":
        result = {"status": "ok"}
    else:
        result = None
    print(json.dumps({"jsonrpc": "2.0", "id": request.get("id"), "result": result}), flush=True)
    if method == "shutdown":
        break
`,
    });
    await library.install(source, { test: true });
    const info = await library.activate("shout");
    expect(info.tools.map(({ name }) => name)).toEqual(["invoke"]);
    expect((await library.run("shout", { text: "hello" })).value).toEqual({ text: "HELLO" });
    expect((await library.generations("shout"))[0]?.tests?.health).toEqual({ ok: true });
  });
});

describe("proposals", () => {
  it("survive a restart, and their bytes are installed even when staging is gone", async () => {
    const staged = await built();
    const { id } = await library.propose(proposalOf(staged, romanSkill()));
    await library.discard(staged.key);
    await library.close();
    library = await home.open();
    const proposal = await library.proposal(id);
    expect(proposal).toMatchObject({ status: "pending", digest: staged.digest, files: romanSkill() });
    expect(await library.proposals({ status: "pending" })).toHaveLength(1);
    await library.decide(id, { approved: true, digest: proposal.digest, actor: { via: "cli", name: "ada" } });
    await library.installStaged(proposal.digest);
    expect((await library.proposal(id)).status).toBe("installed");
    expect(await library.activate("roman")).toMatchObject({
      status: "active",
      serving: { digest: staged.digest },
    });
  });

  it("are decided once, and only about their own digest", async () => {
    const staged = await built();
    const { id } = await library.propose(proposalOf(staged, romanSkill()));
    const other = "0".repeat(64);
    await expect(library.decide(id, { approved: true, digest: other })).rejects.toMatchObject({
      code: "digest_mismatch",
    });
    await library.decide(id, { approved: false, digest: staged.digest, reason: "no" });
    await expect(library.decide(id, { approved: true, digest: staged.digest })).rejects.toMatchObject({
      code: "proposal_decided",
      message: expect.stringContaining("rejected"),
    });
    await expect(library.proposal("nothing")).rejects.toMatchObject({ code: "not_found" });
  });

  it("must hold the files of their digest", async () => {
    const staged = await built();
    const changed = proposalOf(staged, { ...romanSkill(), "extra.py": "" });
    await expect(library.propose(changed)).rejects.toMatchObject({ code: "digest_mismatch" });
  });
});

describe("installStaged", () => {
  it("makes one generation when the same build is installed several times at once", async () => {
    const { key, digest, resolved } = await built();
    const installs = Array.from({ length: 4 }, () => library.installStaged(key));
    for (const info of await Promise.all(installs)) expect(info.status).toBe("pending");
    expect(await library.generations(resolved.manifest.id)).toMatchObject([{ digest, status: "pending" }]);
    expect(staging()).toEqual([]);
  });
});

describe("stage", () => {
  it("gives the same folder for the same files, and refuses changed ones", async () => {
    const a = await library.stage(romanSkill()), b = await library.stage(romanSkill());
    expect(b).toEqual(a);
    writeFileSync(join(a.dir, "skill.py"), "import os\n");
    await expect(library.build(a.key)).rejects.toMatchObject({ code: "tampered" });
    // staging the files again heals the folder
    expect(await library.stage(romanSkill())).toEqual(a);
    expect((await library.build(a.key)).digest).toBe(a.digest);
    await library.discard(a.key);
    await expect(library.build(a.key)).rejects.toMatchObject({ code: "not_found" });
    expect(staging()).toEqual([]);
  });

  it("builds once", async () => {
    const { key } = await library.stage(romanSkill());
    const [a, b] = await Promise.all([library.build(key), library.build(key)]);
    expect(statSync(a.dir).ino).toBe(statSync(b.dir).ino);
    expect(a.build).toBe(b.build);
    expect(staging()).toEqual([key]);
  });
});
