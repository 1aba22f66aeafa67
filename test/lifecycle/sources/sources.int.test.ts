import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { gitSourceText, parseGitSource } from "../../../src/lifecycle/sources/git-source.ts";
import { writeTar } from "../../../src/manifest/archive/write-tar.ts";
import { readPackageFiles } from "../../../src/manifest/package-files.ts";
import { romanSkill, type TestHome, testHome } from "../support/open-home.ts";

let home: TestHome;
beforeEach(() => {
  home = testHome();
});
afterEach(() => home.close());

const IDENTITY = {
  GIT_AUTHOR_NAME: "a",
  GIT_AUTHOR_EMAIL: "a@b",
  GIT_COMMITTER_NAME: "a",
  GIT_COMMITTER_EMAIL: "a@b",
};

function git(folder: string, ...args: readonly string[]): string {
  const env = { PATH: process.env["PATH"], HOME: home.folder, GIT_CONFIG_NOSYSTEM: "1", ...IDENTITY };
  return execFileSync("git", ["-C", folder, ...args], { encoding: "utf8", env }).trim();
}

/** A bare repository with a skill at its root in version 1 (tag v1), in `skills/roman` in version 2 (main). */
function repository(): string {
  const work = home.write("work", romanSkill("1.0.0"));
  git(work, "init", "-q", "-b", "main");
  git(work, "add", ".");
  git(work, "commit", "-qm", "one");
  git(work, "tag", "v1");
  home.write("work/skills/roman", romanSkill("2.0.0"));
  symlinkSync("/etc/passwd", join(work, "outside"));
  mkdirSync(join(work, "linked"));
  writeFileSync(join(work, "linked/manifest.toml"), "id = 'linked'\n");
  symlinkSync("/etc/passwd", join(work, "linked/skill.py"));
  git(work, "add", ".");
  git(work, "commit", "-qm", "two");
  const bare = join(home.folder, "skills.git");
  execFileSync("git", ["clone", "-q", "--bare", work, bare]);
  return bare;
}

describe("install from an archive", () => {
  it("installs what the archive holds, and nothing of it stays elsewhere", async () => {
    const library = await home.open();
    const files = await readPackageFiles(home.write("v1", romanSkill()));
    const archive = join(home.folder, "roman-1.0.0.tar.gz");
    writeFileSync(archive, await writeTar(files, "roman-1.0.0"));
    const installed = await library.install(archive, { actor: { via: "cli" } });
    const again = await library.install(join(home.folder, "v1"));
    expect(again.candidate?.digest).toBe(installed.candidate?.digest);
    await library.activate("roman");
    expect((await library.run("roman", { number: 4 })).value).toBe("IV");
    expect(readdirSync(join(home.dir, ".state/staging"))).toEqual([]);
    const [first] = (await library.audit({ skill: "roman" })).filter(({ action }) => action === "install");
    expect(first?.details).toMatchObject({ origin: "archive roman-1.0.0.tar.gz" });
  });

  it("refuses what is no package, and leaves nothing", async () => {
    const library = await home.open();
    const archive = join(home.folder, "none.tar.gz");
    writeFileSync(
      archive,
      await writeTar([{ path: "readme", executable: false, bytes: new Uint8Array(1) }], "x"),
    );
    await expect(library.install(archive)).rejects.toMatchObject({ code: "not_found" });
    writeFileSync(archive, "no archive");
    await expect(library.install(archive)).rejects.toMatchObject({ code: "invalid_package" });
    expect(readdirSync(join(home.dir, ".state/staging"))).toEqual([]);
    expect(await library.list()).toEqual([]);
  });
});

describe("install from git", () => {
  it("takes a ref and a folder, and the audit names the commit", async () => {
    const library = await home.open(), bare = repository();
    await library.install(`git+file://${bare}@v1`);
    await library.activate("roman");
    expect((await library.run("roman", {}, { tool: "tell" })).value).toBe("1.0.0");
    await library.install(`git+file://${bare}#skills/roman`);
    await library.activate("roman");
    expect((await library.run("roman", {}, { tool: "tell" })).value).toBe("2.0.0");
    const commit = git(bare, "rev-parse", "v1");
    const origins = (await library.audit({ skill: "roman" })).filter(({ action }) => action === "install")
      .map(({ details }) => (details as { origin: string }).origin);
    expect(origins).toEqual([`git ${git(bare, "rev-parse", "main")}`, `git ${commit}`]);
    await library.uninstall("roman");
    await library.install(`git+file://${bare}@${commit}`);
    expect((await library.info("roman")).version).toBe("1.0.0");
    expect(readdirSync(join(home.dir, ".state/staging"))).toEqual([]);
  });

  it("refuses links in the repository, and what is not there", async () => {
    const library = await home.open(), bare = repository();
    await expect(library.install(`git+file://${bare}`)).rejects.toMatchObject({
      code: "invalid_package",
      message: expect.stringContaining("is neither a file nor a folder"),
    });
    await expect(library.install(`git+file://${bare}#linked`)).rejects.toMatchObject({
      code: "invalid_package",
    });
    await expect(library.install(`git+file://${bare}@v9`)).rejects.toMatchObject({
      code: "not_found",
      message: expect.stringContaining('has no ref "v9"'),
    });
    await expect(library.install(`git+file://${bare}@v1#nowhere`)).rejects.toMatchObject({
      code: "not_found",
    });
    await expect(library.install(`git+file://${home.folder}/none.git`)).rejects.toMatchObject({
      code: "source_unreachable",
    });
    expect(readdirSync(join(home.dir, ".state/staging"))).toEqual([]);
  });

  it.each([
    "git+",
    "git+--upload-pack=touch /tmp/x",
    "git+file:///x@--upload-pack=touch",
    "git+file:///x@a:b",
    "git+file:///x#../y",
    "git+file:///x#/etc",
    "git+file:///x y",
  ])("refuses %j before git starts", async (source) => {
    const library = await home.open();
    await expect(library.install(source)).rejects.toMatchObject({ code: "invalid_input" });
  });

  it("runs no program that a URL names", async () => {
    const library = await home.open();
    const marker = join(home.folder, "marker");
    const script = join(home.folder, "script");
    writeFileSync(script, `#!/bin/sh\ntouch ${marker}\n`, { mode: 0o755 });
    await expect(library.install(`git+ext::${script}`)).rejects.toMatchObject({ code: "source_unreachable" });
    expect(existsSync(marker)).toBe(false);
    // The control: git does run it when it is allowed to.
    const env = { PATH: process.env["PATH"], GIT_ALLOW_PROTOCOL: "ext" };
    try {
      execFileSync("git", ["ls-remote", `ext::${script}`], { env, stdio: "ignore" });
    } catch {
      // it is no repository
    }
    expect(existsSync(marker)).toBe(true);
  });

  it.each([
    ["git+https://h/r.git", { url: "https://h/r.git" }],
    ["git+https://u:p@h/r.git@main", { url: "https://u:p@h/r.git", ref: "main" }],
    ["git+ssh://git@h/r.git@v1#a/b/", { url: "ssh://git@h/r.git", ref: "v1", path: "a/b" }],
    ["git+https://h/r.git@feature/x", { url: "https://h/r.git", ref: "feature/x" }],
    ["git+ssh://git@h/r.git", { url: "ssh://git@h/r.git" }],
  ])("reads %s", (text, source) => {
    expect(parseGitSource(text)).toEqual(source);
  });

  it.each([
    ["git+https://u:p@h/r.git@v1#a/b", "git+https://h/r.git@v1#a/b"],
    ["git+https://token@h/r.git", "git+https://h/r.git"],
    ["git+ssh://git@h/r.git@v1", "git+ssh://git@h/r.git@v1"],
    ["git+ssh://git:p@h/r.git", "git+ssh://git@h/r.git"],
    ["git+file:///srv/r.git#a", "git+file:///srv/r.git#a"],
  ])("notes %s without its password", (text, noted) => {
    const source = parseGitSource(text);
    expect(source === undefined ? undefined : gitSourceText(source)).toBe(noted);
  });
});
