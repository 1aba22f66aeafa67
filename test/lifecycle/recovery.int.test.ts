import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { OpenedLibrary } from "../../src/lifecycle/library.ts";
import { homeContents } from "./support/home-contents.ts";
import { romanSkill, type TestHome, testHome } from "./support/open-home.ts";
import { runChild } from "./support/run-child.ts";

let home: TestHome;
beforeEach(() => void (home = testHome()));
afterEach(() => home.close());

describe("check", () => {
  it("finds nothing to repair in a home that was just made", async () => {
    expect(await (await home.open()).check()).toEqual([]);
  });

  it("writes anew what was deleted or changed of the files that show the state, once", async () => {
    const library = await home.open();
    await library.install(home.write("v1", romanSkill()));
    await library.activate("roman");
    const before = homeContents(home.dir);
    const at = (path: string): string => join(home.dir, path);
    unlinkSync(at("roman.py"));
    unlinkSync(at(".runtime/roman/active"));
    writeFileSync(at(".runtime/roman/1.0.0/active"), "B\n");
    writeFileSync(at(".state/python_registry.json"), "{}");
    rmSync(at(".runtime/roman/1.0.0/meta.json"));
    rmSync(at(".runtime/roman/1.0.0/slots"), { recursive: true });
    mkdirSync(at(".runtime/roman/1.0.0/slots/A"), { recursive: true });
    symlinkSync("/etc", at(".runtime/roman/1.0.0/slots/A/src"));
    rmSync(at("roman"), { recursive: true });
    const repaired = (await library.check()).map(({ rule, file }) => [rule, file]);
    expect(repaired).toEqual(expect.arrayContaining([
      ["home/repaired", "roman.py"],
      ["home/repaired", ".runtime/roman/active"],
      ["home/repaired", ".runtime/roman/1.0.0/active"],
      ["home/repaired", ".runtime/roman/1.0.0/slots/A/src"],
      ["home/repaired", ".state/python_registry.json"],
    ]));
    expect(homeContents(home.dir)).toEqual(before);
    expect(await library.check()).toEqual([]);
  });

  it("keeps an edited script and says so, through changes of status too", async () => {
    const library = await home.open();
    await library.install(home.write("v1", romanSkill()));
    await library.activate("roman");
    const path = join(home.dir, "roman.py");
    writeFileSync(path, "# mine\n");
    expect(await library.check()).toEqual([
      expect.objectContaining({ rule: "home/drift", file: "roman.py", severity: "warning" }),
    ]);
    await library.disable("roman");
    expect(readFileSync(path, "utf8")).toBe("# mine\n");
    expect(readFileSync(join(home.dir, ".state/disabled/roman.py"), "utf8")).toContain("to_roman");
    await library.activate("roman");
    expect(readFileSync(path, "utf8")).toBe("# mine\n");
    unlinkSync(path);
    await library.check();
    expect(readFileSync(path, "utf8")).toContain("to_roman");
  });

  it("names a build that was changed, and its skill does not run", async () => {
    const library = await home.open();
    await library.install(home.write("v1", romanSkill()));
    await library.activate("roman");
    const build = (await library.generations("roman"))[0]?.build ?? "";
    rmSync(join(home.dir, ".runtime/roman/builds", build), { recursive: true });
    expect((await library.check()).map(({ rule }) => rule)).toContain("home/build");
    await expect(library.run("roman", { number: 1 })).rejects.toMatchObject({ code: "tampered" });
  });
});

describe("a killed process", () => {
  /** Kills an install of 2.0.0 over the active 1.0.0. The answer is what the home held before. */
  async function killInstall(
    kill: string,
  ): Promise<{ readonly before: Record<string, string>; readonly source: string }> {
    const library = await home.open();
    await library.install(home.write("v1", romanSkill("1.0.0")));
    await library.activate("roman");
    await library.close();
    const before = homeContents(home.dir), source = home.write("v2", romanSkill("2.0.0"));
    expect((await runChild(home, "install", source, kill)).signal).toBe("SIGKILL");
    return { before, source };
  }

  /** The old version still serves, and the same install goes through. */
  async function goOn(library: OpenedLibrary, source: string): Promise<void> {
    expect(readdirSync(join(home.dir, ".state/staging"))).toEqual([]);
    expect(await library.check()).toEqual([]);
    expect((await library.run("roman", {}, { tool: "tell" })).value).toBe("1.0.0");
    await library.install(source);
    await library.activate("roman");
    expect((await library.run("roman", {}, { tool: "tell" })).value).toBe("2.0.0");
  }

  it.each(["stage:validate", "stage:build", "write:install"])(
    "leaves the old state when it is killed at %s",
    async (kill) => {
      const { before, source } = await killInstall(kill);
      const library = await home.open();
      expect((await library.generations("roman")).map(({ version }) => version)).toEqual(["1.0.0"]);
      // A snapshot lies at its digest: the next try finds it.
      const after = Object.entries(homeContents(home.dir)).filter(([path]) =>
        !path.startsWith(".state/snapshots/")
      );
      expect(Object.fromEntries(after)).toEqual(before);
      await goOn(library, source);
    },
  );

  it("leaves the new state when it is killed between the commit and the files", async () => {
    const { before, source } = await killInstall("project");
    expect(before).toEqual(
      Object.fromEntries(Object.entries(homeContents(home.dir)).filter(([path]) => path in before)),
    );
    const library = await home.open();
    expect((await library.generations("roman")).map(({ version }) => version)).toEqual(["1.0.0", "2.0.0"]);
    expect(existsSync(join(home.dir, ".runtime/roman/2.0.0/slots/A/src/skill.py"))).toBe(true);
    await goOn(library, source);
  });

  it("leaves a status and its files whole when it is killed between them", async () => {
    const library = await home.open();
    await library.install(home.write("v1", romanSkill()));
    await library.activate("roman");
    await library.close();
    expect((await runChild(home, "disable", "roman", "project")).signal).toBe("SIGKILL");
    expect(existsSync(join(home.dir, "roman.py"))).toBe(true);
    const again = await home.open();
    expect((await again.info("roman")).status).toBe("disabled");
    expect([existsSync(join(home.dir, "roman.py")), existsSync(join(home.dir, ".state/disabled/roman.py"))])
      .toEqual([false, true]);
  });
});

describe("two processes", () => {
  it("install different skills and the same skill at the same time without losing one", async () => {
    const library = await home.open();
    const other = romanSkill();
    other["manifest.toml"] = other["manifest.toml"]?.replace('id = "roman"', 'id = "other"') ?? "";
    const ends = await Promise.all([
      runChild(home, "install", home.write("v1", romanSkill("1.0.0"))),
      runChild(home, "install", home.write("v2", romanSkill("2.0.0"))),
      library.install(home.write("other", other)),
    ]);
    expect(ends.slice(0, 2)).toEqual([0, 0].map((code) => ({ code, signal: null, stderr: "" })));
    const seen = (await library.list()).map(({ id }) => id);
    expect(seen).toEqual(["other", "roman"]);
    const generations = await library.generations("roman");
    expect(generations.map(({ version }) => version).sort()).toEqual(["1.0.0", "2.0.0"]);
    expect(generations.map(({ status }) => status)).toEqual(["disabled", "pending"]);
    expect(await library.check()).toEqual([]);
  });

  it("see each other's changes, and calls go to what serves now", async () => {
    const library = await home.open();
    await library.install(home.write("v1", romanSkill("1.0.0")));
    await library.activate("roman");
    expect((await library.run("roman", {}, { tool: "tell" })).value).toBe("1.0.0");
    await library.install(home.write("v2", romanSkill("2.0.0")));
    expect((await runChild(home, "activate", "roman")).code).toBe(0);
    expect((await library.run("roman", {}, { tool: "tell" })).value).toBe("2.0.0");
    expect(home.runner.list().map(({ version }) => version)).toEqual(["2.0.0"]);
    await runChild(home, "disable", "roman");
    await expect(library.run("roman", {}, { tool: "tell" })).rejects.toMatchObject({ code: "not_active" });
  });
});
