import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, existsSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { cpSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { seal, unseal } from "../../../src/lifecycle/secrets/seal.ts";
import { SecretKey, secretKeyPath } from "../../../src/lifecycle/secrets/secret-key.ts";
import { type TestHome, testHome } from "../support/open-home.ts";

const VALUE = "s3cret-value-that-nobody-sees";
const SOURCE = `import os


def invoke() -> list:
    return [len(os.environ.get("API_KEY", "")), os.environ.get("API_KEY", "none")]
`;
const HEADER = "# /// script\n# dependencies = []\n# ///\n";
const CREDENTIAL = '[[credentials]]\nname = "API_KEY"\ndescription = "A key"\n';

let home: TestHome;
beforeEach(() => {
  home = testHome();
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await home.close();
});

function keyed(id: string): Record<string, string> {
  return {
    "manifest.toml":
      `id = "${id}"\nname = "${id}"\nversion = "1.0.0"\ndescription = "Tells of its key"\n${CREDENTIAL}`,
    "skill.py": HEADER + SOURCE,
  };
}

async function installed(...ids: readonly string[]): ReturnType<TestHome["open"]> {
  const library = await home.open();
  for (const id of ids) {
    await library.install(home.write(id, keyed(id)));
    await library.activate(id);
  }
  return library;
}

/** Files below a folder that hold a text. In a process of its own: opening `home.db` here would release its lock. */
function filesWith(text: string, folder: string): string[] {
  const { stdout } = spawnSync("grep", ["-rlF", text, folder], { encoding: "utf8" });
  return stdout.split("\n").filter((path) => path !== "");
}

describe("seal", () => {
  const key = new Uint8Array(32).fill(7);
  const place = { home: "h", skill: "s", name: "N" };

  it("opens what it sealed, at its place and with its key only", () => {
    const sealed = seal(key, "välue", place);
    expect(sealed).not.toContain("lue");
    expect(seal(key, "välue", place)).not.toBe(sealed);
    expect(unseal(key, sealed, place)).toBe("välue");
    expect(unseal(new Uint8Array(32), sealed, place)).toBeUndefined();
    for (const other of [{ home: "i" }, { skill: "t" }, { name: "M" }]) {
      expect(unseal(key, sealed, { ...place, ...other })).toBeUndefined();
    }
    // Names that run together are still other places.
    expect(
      unseal(key, seal(key, "x", { home: "h", skill: "a", name: "bc" }), {
        home: "h",
        skill: "ab",
        name: "c",
      }),
    )
      .toBeUndefined();
  });

  it("does not open what was changed, in any character", () => {
    const sealed = seal(key, "value", place);
    const opened = Array.from(sealed, (letter, at) => {
      const changed = sealed.slice(0, at) + (letter === "A" ? "B" : "A") + sealed.slice(at + 1);
      return unseal(key, changed, place);
    });
    // The key's name, in front, is looked at by others; the last character of base64 can hold bits that mean nothing.
    expect(new Set(opened.slice(21, -2))).toEqual(new Set([undefined]));
    expect(opened.filter((value) => value !== undefined && value !== "value")).toEqual([]);
    for (const wrong of ["", "v1", "v1.a.b.c", sealed.slice(0, -5), `${sealed}.x`.slice(5)]) {
      expect(unseal(key, wrong, place)).toBeUndefined();
    }
  });
});

describe("SecretKey", () => {
  it("is made once, for this user only, and the same for two that make it at once", () => {
    const path = join(home.folder, "config/secrets.key");
    expect(new SecretKey(path).find()).toBeUndefined();
    const made = new SecretKey(path).findOrMake();
    expect(made.length).toBe(32);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(new SecretKey(path).findOrMake()).toEqual(made);
    expect(readdirSync(join(home.folder, "config"))).toEqual(["secrets.key"]);
  });

  it.each([
    ["other users may read it", (path: string) => chmodSync(path, 0o644)],
    ["it is a link", (path: string) => {
      rmSync(path);
      symlinkSync("/etc/hostname", path);
    }],
    ["it holds no key", (path: string) => writeFileSync(path, "short\n")],
    ["it is 2000 bytes long", (path: string) => writeFileSync(path, "A".repeat(2000))],
    ["it is no plain file", (path: string) => {
      rmSync(path);
      execFileSync("mkfifo", ["-m", "600", path]);
    }],
  ])("is refused when %s", (reason, spoil) => {
    const path = join(home.folder, "secrets.key");
    new SecretKey(path).findOrMake();
    spoil(path);
    expect(() => new SecretKey(path).find()).toThrow(reason);
    expect(() => new SecretKey(path).findOrMake()).toThrow(
      expect.objectContaining({ code: "secrets_unusable" }),
    );
  });
});

describe("secrets of a home", () => {
  it("reach the skill that declares them, the skill's own before the home's, and are redacted", async () => {
    const library = await installed("one", "two");
    await library.secrets.set({ name: "API_KEY", value: "home-wide-value" });
    expect((await library.run("one", {})).value).toEqual([15, "[redacted API_KEY]"]);
    await library.secrets.set({ skill: "one", name: "API_KEY", value: VALUE });
    expect((await library.run("one", {})).value).toEqual([VALUE.length, "[redacted API_KEY]"]);
    expect((await library.run("two", {})).value).toEqual([15, "[redacted API_KEY]"]);
    await library.secrets.remove({ skill: "one", name: "API_KEY" });
    expect((await library.run("one", {})).value).toEqual([15, "[redacted API_KEY]"]);
    await library.secrets.remove({ name: "API_KEY" });
    await expect(library.run("one", {})).rejects.toMatchObject({
      code: "secrets_missing",
      fix: "skillwright secrets set API_KEY --skill one",
      details: { id: "one", missing_secrets: ["API_KEY"] },
    });
    expect(library.secrets.missing("one")).toEqual(["API_KEY"]);
  });

  it("come from the environment by a name of their own: no skill gets another variable by naming it", async () => {
    const library = await installed("one");
    vi.stubEnv("API_KEY", VALUE);
    await expect(library.run("one", {})).rejects.toMatchObject({ code: "secrets_missing" });
    vi.stubEnv("SKILLWRIGHT_SECRET_API_KEY", VALUE);
    expect((await library.run("one", {})).value).toEqual([VALUE.length, "[redacted API_KEY]"]);
  });

  it("are sealed in every file, readable by this user only, and known to another host at once", async () => {
    const library = await installed("one");
    const other = await home.open();
    await library.secrets.set({ skill: "one", name: "API_KEY", value: VALUE }, { via: "cli", name: "me" });
    await library.secrets.set({ name: "WIDE", value: `${VALUE}-wide` });
    expect((await other.run("one", {})).value).toEqual([VALUE.length, "[redacted API_KEY]"]);
    for (const path of [".runtime/one/data/files/secrets.json", ".state/secrets.json"]) {
      expect(statSync(join(home.dir, path)).mode & 0o777).toBe(0o600);
      const { secrets } = JSON.parse(readFileSync(join(home.dir, path), "utf8")) as { secrets: object };
      expect(Object.keys(secrets)).toEqual([path.startsWith(".state") ? "WIDE" : "API_KEY"]);
    }
    expect(filesWith(VALUE, home.folder)).toEqual([]);
    expect(filesWith("Tells of its key", home.dir).length).toBeGreaterThan(0); // such a search does find things
    const db = new DatabaseSync(join(home.dir, ".state/home.db"), { readOnly: true });
    const row = db.prepare("select * from audit where action = 'set_secret' and skill_id = 'one'").get();
    db.close();
    expect(row).toMatchObject({ via: "cli", name: "me", details: '{"name":"API_KEY"}' });
  });

  it("never stand in the source tree: not in the package, a build, a slot or a snapshot, and no skill writes there", async () => {
    const library = await home.open();
    const files = {
      ...keyed("one"),
      "skill.py": `${HEADER}import os
import pathlib
import tempfile


def invoke() -> list:
    key = os.environ["API_KEY"]
    tried = []
    for folder in (pathlib.Path(__file__).parent, pathlib.Path(tempfile.gettempdir())):
        try:
            (folder / "key.txt").write_text(key)
            tried.append("written")
        except OSError:
            tried.append("denied")
    return tried
`,
    };
    await library.install(home.write("one", files));
    await library.activate("one");
    await library.secrets.set({ skill: "one", name: "API_KEY", value: VALUE });
    await library.secrets.set({ name: "API_KEY", value: VALUE });
    expect((await library.run("one", {})).value).toEqual(["denied", "written"]);
    await library.test("one");
    await library.install(home.write("one", { ...files, "notes.txt": "another" }));
    await library.activate("one");
    await library.run("one", {});
    await library.check();
    const below = (folder: string): string[] =>
      readdirSync(join(home.dir, folder), { recursive: true, encoding: "utf8" }).toSorted();
    const builds = readdirSync(join(home.dir, ".runtime/one/builds")).map((name) =>
      below(`.runtime/one/builds/${name}/src`)
    );
    const first = ["manifest.toml", "skill.py"], second = ["manifest.toml", "notes.txt", "skill.py"];
    expect(builds.toSorted((a, b) => a.length - b.length)).toEqual([first, second]);
    expect(below("one")).toEqual(second);
    const [snapshot = ""] = readdirSync(join(home.dir, ".state/snapshots/one"));
    expect(below(`.state/snapshots/one/${snapshot}`)).toEqual(first);
    expect(filesWith(VALUE, home.dir)).toEqual([]);
    expect(filesWith("tried.append", home.dir).length).toBeGreaterThan(3); // such a search does find what is there
  });

  it("are written anew, with their rights, when the file that shows them was changed or removed", async () => {
    const library = await installed("one");
    await library.secrets.set({ skill: "one", name: "API_KEY", value: VALUE });
    const path = join(home.dir, ".runtime/one/data/files/secrets.json");
    const before = readFileSync(path);
    for (
      const spoil of [
        () => writeFileSync(path, before.subarray(0, 40)),
        () => chmodSync(path, 0o644),
        () => rmSync(path),
        () => {
          rmSync(path);
          symlinkSync("/etc/hostname", path);
        },
      ]
    ) {
      spoil();
      await library.check();
      expect(readFileSync(path)).toEqual(before);
      expect(statSync(path).mode & 0o777).toBe(0o600);
      expect((await library.run("one", {})).value).toEqual([VALUE.length, "[redacted API_KEY]"]);
    }
    expect(readFileSync("/etc/hostname")).not.toEqual(before);
  });

  it("are not opened with another key, nor when they were changed or swapped in home.db", async () => {
    const library = await installed("one", "two");
    await library.secrets.set({ skill: "one", name: "API_KEY", value: VALUE });
    await library.secrets.set({ skill: "two", name: "API_KEY", value: `${VALUE}-2` });
    const db = new DatabaseSync(join(home.dir, ".state/home.db"));
    db.exec("pragma busy_timeout = 5000");
    const sealed = (id: string) =>
      String(db.prepare("select sealed from secrets where skill_id = ?").get(id)?.["sealed"]);
    const put = (id: string, text: string) =>
      db.prepare("update secrets set sealed = ? where skill_id = ?").run(text, id);
    const one = sealed("one"), two = sealed("two");
    const flipped = one.slice(0, -8) + (one.at(-8) === "A" ? "B" : "A") + one.slice(-7);
    for (const text of [two, flipped, one.slice(0, -10)]) {
      put("one", text);
      await expect(library.run("one", {})).rejects.toMatchObject({
        code: "secrets_unusable",
        message: expect.stringContaining('the secret "API_KEY" of "one" was changed on disk'),
      });
    }
    put("one", seal(new Uint8Array(32), VALUE, { home: "?", skill: "one", name: "API_KEY" }));
    await expect(library.run("one", {})).rejects.toThrow("was stored with another key");
    put("one", one);
    db.close();
    expect((await library.run("one", {})).value).toEqual([VALUE.length, "[redacted API_KEY]"]);
    rmSync(secretKeyPath());
    const later = await home.open();
    await expect(later.run("one", {})).rejects.toMatchObject({ code: "secrets_unusable" });
    await later.secrets.set({ skill: "one", name: "API_KEY", value: "anew" });
    expect((await later.run("one", {})).value).toEqual([4, "[redacted API_KEY]"]);
  });

  it("do not open in a copy of the home that somebody else made", async () => {
    const library = await installed("one");
    await library.secrets.set({ skill: "one", name: "API_KEY", value: VALUE });
    await library.close();
    const copy = join(home.folder, "copy");
    cpSync(home.dir, copy, { recursive: true });
    const found = await home.open({ dir: copy, trusted: false });
    expect(() => found.secrets.list()).toThrow(expect.objectContaining({ code: "untrusted_home" }));
    await expect(found.secrets.set({ name: "X", value: "y" })).rejects.toMatchObject({
      code: "untrusted_home",
    });
    vi.stubEnv("XDG_CONFIG_HOME", join(home.folder, "another-user"));
    const theirs = await home.open({ dir: copy });
    await expect(theirs.run("one", {})).rejects.toMatchObject({ code: "secrets_unusable" });
  });

  it("are exported redacted, with values when asked for, and imported without what is redacted", async () => {
    const library = await installed("one");
    await library.secrets.set({ skill: "one", name: "API_KEY", value: VALUE });
    await library.secrets.set({ name: "WIDE", value: "w" });
    const redacted = library.secrets.export();
    expect(redacted).toEqual({
      format: 1,
      home: { WIDE: "<redacted>" },
      skills: { one: { API_KEY: "<redacted>" } },
    });
    const shown = library.secrets.export({ show: true });
    expect(shown).toEqual({ format: 1, home: { WIDE: "w" }, skills: { one: { API_KEY: VALUE } } });
    expect(library.secrets.export({ skill: "one" }).home).toEqual({});
    expect(await library.secrets.import(redacted)).toEqual({
      set: [],
      skipped: [
        { skill_id: null, name: "WIDE", reason: "its value is redacted" },
        { skill_id: "one", name: "API_KEY", reason: "its value is redacted" },
      ],
    });
    expect((await library.run("one", {})).value).toEqual([VALUE.length, "[redacted API_KEY]"]);
    const done = await library.secrets.import({
      format: 1,
      home: { WIDE: "w2", "bad name": "x" },
      skills: { one: { API_KEY: "k2" }, gone: { A: "b" } },
    });
    expect(done.set).toEqual([{ skill_id: null, name: "WIDE" }, { skill_id: "one", name: "API_KEY" }]);
    expect(done.skipped.map(({ reason }) => reason)).toEqual([
      '"bad name" is no name for a secret',
      "the skill is not installed",
    ]);
    expect(library.secrets.export({ show: true }).skills).toEqual({ one: { API_KEY: "k2" } });
    const only = await library.secrets.import({ format: 1, home: { OTHER: "o" }, skills: {} }, {
      skill: "one",
    });
    expect(only.set).toEqual([{ skill_id: "one", name: "OTHER" }]);
  });

  it.each([
    [{ skill: "onne", name: "A", value: "x" }, "not_found", 'no skill has the id "onne"'],
    [{ name: "1A", value: "x" }, "invalid_input", '"1A" is no name for a secret'],
    [{ name: "A", value: "" }, "invalid_input", 'the value of "A" is empty'],
    [{ name: "A", value: "x".repeat(20_000) }, "invalid_input", 'the value of "A" is 20000 bytes long'],
    [{ name: "A", value: "a\0b" }, "invalid_input", 'the value of "A" is not text'],
  ])("refuse what is wrong: $2", async (secret, code, message) => {
    const library = await installed("one");
    await expect(library.secrets.set(secret)).rejects.toMatchObject({ code, message });
    await expect(library.secrets.remove({ name: "NONE" })).rejects.toMatchObject({ code: "not_found" });
    expect(library.secrets.list()).toEqual([]);
    expect(existsSync(join(home.dir, ".state/secrets.json"))).toBe(false);
  });
});
