import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { identityText, ownIdentity } from "../../../src/base/process-identity.ts";
import { isTrusted, noteTrust, trustHome } from "../../../src/lifecycle/storage/trust.ts";
import { tries } from "../../torture.ts";
import { romanSkill, type TestHome, testHome } from "../support/open-home.ts";

let home: TestHome;
beforeEach(() => void (home = testHome()));
afterEach(() => home.close());

/** A home of this user with an active skill and settings, as it lies on disk. */
async function makeHome(): Promise<void> {
  const library = await home.open({ trusted: false });
  await library.install(home.write("v1", romanSkill()));
  await library.activate("roman");
  await library.close();
  writeFileSync(join(home.dir, "config.toml"), "[python_skills]\ntimeout = 7\n");
}

/** Everything below a folder, but what SQLite makes beside a database that is read. */
function names(dir: string): readonly string[] {
  const all = readdirSync(dir, { recursive: true, encoding: "utf8" });
  return all.filter((name) => !name.includes(".db-")).sort();
}

describe("a home", () => {
  it("is trusted when this user made it, also when it is opened again", async () => {
    await makeHome();
    const again = await home.open({ trusted: false });
    expect([again.trusted, again.settings.python_skills.timeout]).toEqual([true, 7]);
    expect((await again.run("roman", { number: 4 })).value).toBe("IV");
  });

  it("is not trusted when it is a copy: nothing in it runs, its settings do not count, nothing is written", async () => {
    await makeHome();
    const dir = join(home.folder, "copied");
    cpSync(home.dir, dir, { recursive: true });
    const before = names(dir);
    const library = await home.open({ dir, trusted: false });
    expect([library.trusted, library.settings.python_skills.timeout]).toEqual([false, 30]);
    expect(await library.list()).toMatchObject([{ id: "roman", status: "pending", serving: null }]);
    expect((await library.documents())[0]?.facets).toMatchObject({ status: "pending", runnable: false });
    const refused = { code: "untrusted_home", fix: expect.stringContaining("skillwright trust") };
    await expect(library.run("roman", { number: 4 })).rejects.toMatchObject(refused);
    await expect(library.activate("roman")).rejects.toMatchObject(refused);
    await expect(library.test("roman")).rejects.toMatchObject(refused);
    await expect(library.install(home.write("v2", romanSkill("2.0.0")))).rejects.toMatchObject(refused);
    await expect(library.stage(romanSkill())).rejects.toMatchObject(refused);
    await expect(library.addTrigger("roman", "x")).rejects.toMatchObject(refused);
    await library.close();
    expect(names(dir)).toEqual(before);

    await trustHome(dir);
    const trusted = await home.open({ dir, trusted: false });
    expect([trusted.trusted, trusted.settings.python_skills.timeout]).toEqual([true, 7]);
    expect((await trusted.run("roman", { number: 4 })).value).toBe("IV");
  });

  it("is refused when it was not trusted and its records are not what this library writes", async () => {
    await makeHome();
    const dir = join(home.folder, "copied");
    cpSync(home.dir, dir, { recursive: true });
    const db = new DatabaseSync(join(dir, ".state/home.db"));
    db.exec(`update builds set resolved = '{"manifest": 1}'`);
    db.close();
    const library = await home.open({ dir, trusted: false });
    await expect(library.list()).rejects.toMatchObject({
      code: "home_unusable",
      fix: expect.stringContaining("do not trust this home"),
    });
  });

  it("is not trusted for another home put in the place of a trusted one", async () => {
    await makeHome();
    const other = testHome();
    try {
      const library = await other.open();
      await library.install(other.write("v1", romanSkill()));
      await library.activate("roman");
      await library.close();
      cpSync(join(other.dir, ".state"), join(home.dir, ".state"), { recursive: true });
    } finally {
      await other.close();
    }
    expect((await home.open({ trusted: false })).trusted).toBe(false);
  });

  it("is not trusted when it was found with files in it but never was a home", async () => {
    mkdirSync(home.dir);
    writeFileSync(join(home.dir, "config.toml"), "[python_skills]\ntimeout = 7\n");
    const library = await home.open({ trusted: false });
    expect([library.trusted, await library.list()]).toEqual([false, []]);
    await library.close();
    expect(readdirSync(home.dir)).toEqual(["config.toml"]);
  });

  it("needs no trust when the host's code chose it", async () => {
    await makeHome();
    const dir = join(home.folder, "copied");
    cpSync(home.dir, dir, { recursive: true });
    const library = await home.open({ dir, trusted: true });
    expect((await library.run("roman", { number: 4 })).value).toBe("IV");
  });

  it("trusts no folder that is not a home, and makes none of it", async () => {
    const folder = mkdtempSync(join(tmpdir(), "skillwright-no-home-"));
    await expect(trustHome(folder)).rejects.toMatchObject({ code: "home_unusable" });
    expect(readdirSync(folder)).toEqual([]);
    rmSync(folder, { recursive: true });
  });
});

describe("noteTrust", () => {
  const NOTER = fileURLToPath(new URL("../support/note-homes.ts", import.meta.url));

  /** Starts a process that waits for "go". */
  async function startNoter(folder: string, homes: readonly string[]): Promise<ChildProcess> {
    const deno = "Deno" in globalThis ? ["run", "-A"] : [];
    const child = spawn(process.execPath, [...deno, NOTER, folder, ...homes], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    await once(child.stdout, "data");
    return child;
  }

  it("loses no home that another process makes or trusts at the same time", async () => {
    const folder = join(home.folder, "trusted");
    const shares = Array.from(
      { length: tries(4, 12) },
      (_, n) => Array.from({ length: 20 }, (__, m) => join(home.folder, `home ${n} ${m}`)),
    );
    for (const dir of shares.flat()) mkdirSync(dir);
    const noters = await Promise.all(shares.map((homes) => startNoter(folder, homes)));
    const ends = noters.map((noter) => once(noter, "exit"));
    for (const { stdin } of noters) stdin?.end("go");
    expect((await Promise.all(ends)).map(([code]) => code as unknown)).toEqual(noters.map(() => 0));

    const trusted = shares.flat().map((dir) => isTrusted(dir, `id of ${dir}`, folder));
    expect((await Promise.all(trusted)).every(Boolean)).toBe(true);
    expect(readdirSync(folder)).toHaveLength(shares.flat().length);
    expect(await isTrusted(shares[0]?.[0] ?? "", "another id", folder)).toBe(false);
  });

  it("removes what a killed process left, and keeps what it notes for the user alone", async () => {
    const folder = join(home.folder, "trusted");
    mkdirSync(home.dir);
    await noteTrust(home.folder, "1", folder);
    const dead = identityText({ ...ownIdentity(), pid: spawnSync("true").pid });
    writeFileSync(join(folder, `.home.${dead}-x.tmp`), "{");
    expect(await isTrusted(home.folder, "1", folder)).toBe(true);
    await noteTrust(home.dir, "2", folder);
    expect(readdirSync(folder)).toEqual(
      [home.folder, home.dir].map((dir) => realpathSync(dir).replaceAll("/", "%2F")),
    );
    const modes = ["", ...readdirSync(folder)].map((name) => statSync(join(folder, name)).mode & 0o777);
    expect(modes).toEqual([0o700, 0o600, 0o600]);
  });

  it("takes places whose path is too long to be a file's name, and names that look alike", async () => {
    const folder = join(home.folder, "trusted");
    const places = [`${"long/".repeat(50)}a`, `${"long/".repeat(50)}b`, "a/b", "a%2Fb"].map((name) =>
      join(home.folder, name)
    );
    for (const dir of places) {
      mkdirSync(dir, { recursive: true });
      await noteTrust(dir, dir, folder);
    }
    expect(await Promise.all(places.map((dir) => isTrusted(dir, dir, folder)))).toEqual(
      places.map(() => true),
    );
  });
});
