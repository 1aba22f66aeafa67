import { appendFileSync, existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Json } from "../../../src/base/json.ts";
import type { OpenedLibrary } from "../../../src/lifecycle/library.ts";
import { tries } from "../../torture.ts";
import { type TestHome, testHome } from "../support/open-home.ts";

let home: TestHome;
let library: OpenedLibrary;
beforeEach(async () => {
  home = testHome();
  library = await home.open();
});
afterEach(() => home.close());

/** A skill that keeps a list of notes: in schema 1 a line each, in schema 2 as JSON. `migrate` is Python of its tool. */
function notes(version: string, schema: number, migrate?: string): Record<string, string> {
  const tool = migrate === undefined ? "" : '\nmigrate = "bring_up"';
  return {
    "manifest.toml": `id = "notes"
name = "Notes"
version = "${version}"
description = "Keeps notes"
default_tool = "add"

[state]
schema_version = ${schema}${tool}

[[tools]]
name = "add"

[[tools]]
name = "all_of_them"
`,
    "skill.py": `# /// script
# dependencies = []
# ///
import json
import os
import pathlib

KEPT = pathlib.Path(os.environ["SKILLWRIGHT_STATE_DIR"])
NOTES = KEPT / ("notes.txt" if ${schema} == 1 else "notes.json")


def read() -> list:
    if not NOTES.exists():
        return []
    return NOTES.read_text().splitlines() if ${schema} == 1 else json.loads(NOTES.read_text())


def add(note: str) -> list:
    notes = read() + [note]
    NOTES.write_text("".join(one + "\\n" for one in notes) if ${schema} == 1 else json.dumps(notes))
    return notes


def all_of_them() -> list:
    return read()
${
      migrate === undefined ? "" : `

def bring_up(from_version: int, to_version: int) -> None:
${migrate.split("\n").map((line) => `    ${line}\n`).join("")}`
    }`,
    "tests/test_notes.py":
      'import skill\n\n\ndef test_begins_empty():\n    assert skill.all_of_them() == []\n    skill.add("of a test")\n',
  };
}

const UP = `notes = (KEPT / "notes.txt").read_text().splitlines()
(KEPT / "notes.txt").unlink()
NOTES.write_text(json.dumps(["%s -> %s" % (from_version, to_version)] + notes))`;

const ONE = notes("1.0.0", 1), TWO = notes("2.0.0", 2, UP);

const add = async (note: string): Promise<Json> => (await library.run("notes", { note })).value;
const all = async (): Promise<Json> => (await library.run("notes", {}, { tool: "all_of_them" })).value;
async function serve(files: Record<string, string>, test = false): Promise<void> {
  await library.install(home.write("notes", files), { test });
  await library.activate("notes");
}
const folders = (): readonly string[] => readdirSync(join(home.dir, ".runtime/notes/data/db")).toSorted();

describe("the state of a skill", () => {
  it("outlives processes, versions and the host, and is not that of its tests", async () => {
    await serve(ONE, true);
    expect(await all()).toEqual([]);
    await add("one");
    await library.stopProcesses("notes");
    expect(await add("two")).toEqual(["one", "two"]);
    await serve(notes("1.1.0", 1));
    expect(await all()).toEqual(["one", "two"]);
    await library.close();
    library = await home.open();
    expect(await all()).toEqual(["one", "two"]);
    expect(folders()).toEqual([expect.stringMatching(/^1-\d+$/)]);
    expect(await library.check()).toEqual([]);
  });

  it("is brought up by the new version's tool, and a rollback brings back what was", async () => {
    await serve(ONE);
    await add("one");
    await serve(TWO);
    expect(await all()).toEqual(["1 -> 2", "one"]);
    await add("two");
    expect((await library.rollback("notes")).version).toBe("1.0.0");
    expect(await all()).toEqual(["one"]);
    await add("three");
    expect((await library.rollback("notes")).version).toBe("2.0.0");
    expect(await all()).toEqual(["1 -> 2", "one", "two"]);
    expect(folders()).toHaveLength(2);
    expect(readdirSync(join(home.dir, ".state/staging"))).toEqual([]);
  });

  it("is brought up anew from what serves when a new version is activated after a rollback", async () => {
    await serve(ONE);
    await add("one");
    await serve(TWO);
    await library.rollback("notes");
    await add("since");
    await serve(notes("2.1.0", 2, UP));
    expect(await all()).toEqual(["1 -> 2", "one", "since"]);
    expect(folders()).toHaveLength(2);
  });

  const bad = [
    ["raises", `${UP}\nraise ValueError("no way up")`, "tool_failed"],
    ["ends the process", `${UP}\nos._exit(1)`, "process_died"],
    ["reaches out of its folder", 'open("/etc/notes", "w")', "tool_failed"],
  ] as const;
  it.each(bad.slice(0, tries(1, 3)))(
    "stays, and what served goes on, when the tool %s",
    async (_how, tool, code) => {
      await serve(ONE);
      await add("one");
      await library.install(home.write("notes", notes("2.0.0", 2, tool)));
      await expect(library.activate("notes")).rejects.toMatchObject({
        code,
        message: expect.stringContaining('"notes" 2.0.0 was not activated'),
        fix: expect.stringContaining("what served before still serves"),
      });
      expect((await library.info("notes")).serving?.version).toBe("1.0.0");
      expect(await add("two")).toEqual(["one", "two"]);
      expect(folders()).toHaveLength(1);
      expect(readdirSync(join(home.dir, ".state/staging"))).toEqual([]);
    },
  );

  it("is refused to a version that knows less, or has no tool to bring it up", async () => {
    await serve(TWO);
    await add("two");
    await library.install(home.write("notes", notes("1.5.0", 1)));
    await expect(library.activate("notes")).rejects.toMatchObject({
      code: "invalid_transition",
      message: '"notes" 1.5.0 keeps state of schema 1, and what is kept is of schema 2',
    });
    await library.install(home.write("notes", notes("3.0.0", 3)));
    await expect(library.activate("notes")).rejects.toMatchObject({
      code: "invalid_transition",
      fix: expect.stringContaining("migrate"),
    });
    expect(await all()).toEqual(["two"]);
  });

  it("is kept over an uninstallation when that is wanted, and brought up later", async () => {
    await serve(ONE);
    await add("one");
    await library.uninstall("notes", { keepData: true });
    expect(folders()).toHaveLength(1);
    await serve(TWO);
    expect(await all()).toEqual(["1 -> 2", "one"]);
    await library.uninstall("notes", { keepData: true });
    await library.install(home.write("notes", ONE));
    await expect(library.activate("notes")).rejects.toMatchObject({ code: "invalid_transition" });
    await library.uninstall("notes");
    expect(existsSync(join(home.dir, ".runtime/notes"))).toBe(false);
    await serve(ONE);
    expect(await all()).toEqual([]);
  });

  it("is another one for each skill, and no skill has any without asking", async () => {
    await serve(ONE);
    await add("mine");
    const [folder = ""] = folders();
    const mine = join(home.dir, ".runtime/notes/data/db", folder, "notes.txt");
    const reads = `def invoke() -> list:
    import os
    found = [os.environ.get("SKILLWRIGHT_STATE_DIR")]
    try:
        found.append(open(${JSON.stringify(mine)}).read())
    except OSError:
        found.append("denied")
    return found
`;
    const manifest = 'id = "other"\nname = "Other"\nversion = "1.0.0"\ndescription = "Looks"\n';
    await library.install(home.write("other", { "manifest.toml": manifest, "skill.py": reads }));
    await library.activate("other");
    expect((await library.run("other", {})).value).toEqual([null, "denied"]);
    expect(readFileSync(mine, "utf8")).toBe("mine\n");
  });

  it("is migrated with all that calls write meanwhile", async () => {
    await serve(ONE);
    await add("first");
    await library.install(home.write("notes", notes("2.0.0", 2, `import time\ntime.sleep(0.2)\n${UP}`)));
    const activated = library.activate("notes");
    const calls = (async () => {
      for (const number of [1, 2, 3]) await add(`note ${number}`);
    })();
    expect((await activated).version).toBe("2.0.0");
    await calls;
    const kept = await all() as string[];
    expect(kept.toSorted()).toEqual(["1 -> 2", "first", "note 1", "note 2", "note 3"]);
  });

  it("is migrated again when somebody else writes to it, and not at all when that goes on", async () => {
    await serve(ONE);
    await add("first");
    const file = join(home.dir, ".runtime/notes/data/db", folders()[0] ?? "", "notes.txt");
    await library.install(home.write("notes", TWO));
    const other = { left: 1, done: 0 };
    const call = home.runner.call.bind(home.runner);
    vi.spyOn(home.runner, "call").mockImplementation(async (...given) => {
      const answer = await call(...given);
      if (other.left-- > 0) appendFileSync(file, `other ${other.done++}\n`);
      return answer;
    });
    await library.activate("notes");
    expect(await all()).toEqual(["1 -> 2", "first", "other 0"]);
    await library.rollback("notes");
    Object.assign(other, { left: 100 });
    await library.install(home.write("notes", notes("2.1.0", 2, UP)));
    await expect(library.activate("notes")).rejects.toMatchObject({
      code: "conflict",
      fix: expect.stringContaining("skillwright disable notes"),
    });
    expect((await library.info("notes")).serving?.version).toBe("1.0.0");
  });

  it("is named when it is gone, and never begun anew in silence", async () => {
    await serve(ONE);
    await add("one");
    await library.stopProcesses("notes");
    rmSync(join(home.dir, ".runtime/notes/data/db"), { recursive: true });
    await expect(add("two")).rejects.toMatchObject({ code: "permission_refused" });
    expect(await library.check()).toEqual([
      expect.objectContaining({ severity: "error", rule: "home/state" }),
    ]);
  });
});
