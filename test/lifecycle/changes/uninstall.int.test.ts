import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { romanSkill, type TestHome, testHome } from "../support/open-home.ts";

let home: TestHome;
beforeEach(() => {
  home = testHome();
});
afterEach(() => home.close());

/** Paths of the home in which an id occurs. */
function pathsOf(id: string): string[] {
  return readdirSync(home.dir, { recursive: true, encoding: "utf8" })
    .filter((path) => path.split("/").some((part) => part === id || part === `${id}.py`))
    .sort();
}

async function withTwoVersions(): ReturnType<TestHome["open"]> {
  const library = await home.open();
  for (const version of ["1.0.0", "2.0.0"]) {
    await library.install(home.write(`v${version}`, romanSkill(version)));
    await library.activate("roman");
  }
  await library.secrets.set({ skill: "roman", name: "KEY", value: "12345678" });
  await library.run("roman", { number: 4 });
  return library;
}

describe("uninstall", () => {
  it("leaves nothing of a skill but the audit, and ends its processes", async () => {
    const library = await withTwoVersions();
    expect(pathsOf("roman").length).toBeGreaterThan(10);
    expect(home.runner.list()).toHaveLength(1);
    expect(await library.uninstall("roman", { actor: { via: "cli" } })).toEqual({
      skill_id: "roman",
      versions: ["1.0.0", "2.0.0"],
      kept_data: false,
    });
    expect(pathsOf("roman")).toEqual([]);
    expect(home.runner.list()).toEqual([]);
    expect(await library.list()).toEqual([]);
    expect(await library.documents()).toEqual([]);
    expect(library.secrets.list()).toEqual([]);
    expect(readFileSync(join(home.dir, ".state/python_registry.json"), "utf8")).not.toContain("roman");
    await expect(library.run("roman", { number: 4 })).rejects.toMatchObject({ code: "not_found" });
    await expect(library.uninstall("roman")).rejects.toMatchObject({ code: "not_found" });
    expect(await library.check()).toEqual([]);
  });

  it("is seen by another host at once, which then runs what is installed anew and not what it had", async () => {
    const library = await withTwoVersions(), other = await home.open();
    expect((await other.run("roman", {}, { tool: "tell" })).value).toBe("2.0.0");
    const before = await other.revision();
    await library.uninstall("roman");
    expect(await other.revision()).toBeGreaterThan(before);
    await expect(other.run("roman", {}, { tool: "tell" })).rejects.toMatchObject({ code: "not_found" });
    await library.install(home.write("v3", romanSkill("3.0.0")));
    await library.activate("roman");
    expect((await other.run("roman", {}, { tool: "tell" })).value).toBe("3.0.0");
    expect((await other.generations("roman")).map(({ number }) => number)).toEqual([3]);
  });

  it("keeps data and secrets when asked to, for the next installation", async () => {
    const library = await withTwoVersions();
    writeFileSync(join(home.dir, ".runtime/roman/data/files/mine"), "kept");
    expect(await library.uninstall("roman", { keepData: true })).toMatchObject({ kept_data: true });
    expect(readdirSync(join(home.dir, ".runtime/roman"))).toEqual(["data"]);
    await library.install(home.write("v3", romanSkill("3.0.0")));
    expect(library.secrets.export({ show: true }).skills).toEqual({ roman: { KEY: "12345678" } });
    expect(readFileSync(join(home.dir, ".runtime/roman/data/files/mine"), "utf8")).toBe("kept");
    await library.uninstall("roman");
    expect(pathsOf("roman")).toEqual([]);
  });

  it("leaves alone what somebody edited", async () => {
    const library = await withTwoVersions();
    writeFileSync(join(home.dir, "roman.py"), "# mine\n");
    writeFileSync(join(home.dir, "roman/notes.txt"), "mine\n");
    await library.uninstall("roman");
    expect(readFileSync(join(home.dir, "roman.py"), "utf8")).toBe("# mine\n");
    expect(readFileSync(join(home.dir, "roman/notes.txt"), "utf8")).toBe("mine\n");
    expect(existsSync(join(home.dir, ".runtime/roman"))).toBe(false);
    expect(await library.check()).toEqual([]);
  });

  it("is finished at the next opening when the files could not be removed", async () => {
    const library = await withTwoVersions();
    await library.uninstall("roman");
    await library.close();
    // As if the host had been killed after the commit.
    home.write("home/.runtime/roman/2.0.0/slots/A/logs", { "x.log": "left over" });
    const later = await home.open();
    await later.check();
    expect(pathsOf("roman")).toEqual([]);
  });
});
