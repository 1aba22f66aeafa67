import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { SkillInfo } from "../../../src/lifecycle/types.ts";
import { type TestHome, testHome } from "../support/open-home.ts";

let home: TestHome;
beforeEach(() => {
  home = testHome();
});
afterEach(() => home.close());

/** The files of a small skill; `tables` are those of its manifest. */
function skill(text: string, tables = ""): Record<string, string> {
  const [id = "", version = ""] = text.split(" ");
  return {
    "manifest.toml":
      `id = "${id}"\nname = "${id}"\nversion = "${version}"\ndescription = "A part"\n${tables}`,
    "skill.py": `# /// script\n# dependencies = []\n# ///\ndef tell() -> str:\n    return "${text}"\n`,
  };
}

/** Puts a package into the home, where dependencies are taken from. */
function place(text: string, tables = ""): string {
  return home.write(`home/${text.split(" ")[0]}`, skill(text, tables));
}

const APP = '[dependencies]\nreport = "^2.0.0"\n';
const REPORT = '[dependencies]\ngit-utils = ">=1.2.0"\n';

describe("install of a skill with dependencies", () => {
  it("installs what is missing of the home before it, what is needed first, and the audit says for whom", async () => {
    const library = await home.open();
    place("report 2.1.0", REPORT);
    place("git-utils 1.3.0");
    place("unasked 1.0.0");
    const first: SkillInfo[] = [];
    const installed = await library.install(home.write("app", skill("app 1.0.0", APP)), {
      onDependency: (info) => first.push(info),
    });
    expect(installed).toMatchObject({ id: "app", status: "pending" });
    expect(first.map(({ id, version, status }) => `${id} ${version} ${status}`)).toEqual([
      "git-utils 1.3.0 pending",
      "report 2.1.0 pending",
    ]);
    const audit = (await library.audit()).filter(({ action }) => action === "install");
    expect(audit.map(({ skill_id, details }) => [skill_id, (details as { needed_by?: string }).needed_by]))
      .toEqual([
        ["app", undefined],
        ["report", "app"],
        ["git-utils", "app"],
      ]);
    expect((await library.list()).map(({ id }) => id)).toEqual(["app", "git-utils", "report"]);
    await library.activate("app");
    expect((await library.run("app", {})).value).toBe("app 1.0.0");
  });

  it("leaves alone what is installed and fits", async () => {
    const library = await home.open();
    await library.install(home.write("g", skill("git-utils 1.2.0")));
    await library.activate("git-utils");
    await library.install(home.write("r", skill("report 2.0.0", REPORT)));
    expect(await library.generations("git-utils")).toHaveLength(1);
  });

  it("is refused before anything is built when nothing in the home fits, and says what to install", async () => {
    const library = await home.open();
    place("report 2.1.0", REPORT);
    place("git-utils 1.1.0");
    const stages: string[] = [];
    const source = home.write("app", skill("app 1.0.0", APP));
    await expect(library.install(source, { onStage: (stage) => stages.push(stage) })).rejects.toMatchObject({
      code: "dependency_unsatisfiable",
      message: '"report 2.1.0" needs "git-utils" >=1.2.0, and there is only 1.1.0' +
        " (app 1.0.0 -> report 2.1.0 -> git-utils >=1.2.0)",
      fix: expect.stringContaining('install a version of "git-utils" that fits >=1.2.0'),
    });
    expect(stages).toEqual(["read"]);
    expect(await library.list()).toEqual([]);
    place("git-utils 1.2.0");
    await library.install(source);
    expect((await library.list()).map(({ id }) => id)).toEqual(["app", "git-utils", "report"]);
  });

  it("takes what provides a skill, installed or in the home", async () => {
    const library = await home.open();
    place("black 24.1.0", '[provides]\ncode-formatter = "1.2.0"\n');
    const needs = (id: string, range: string): string =>
      home.write(id, skill(`${id} 1.0.0`, `[dependencies]\ncode-formatter = "${range}"\n`));
    await expect(library.install(needs("first", "^2.0.0"))).rejects.toMatchObject({
      message: expect.stringContaining("there is only 1.2.0"),
    });
    await library.install(needs("first", "^1.0.0"));
    expect((await library.list()).map(({ id }) => id)).toEqual(["black", "first"]);
    await library.install(needs("second", "~1.2.0"));
    expect(await library.generations("black")).toHaveLength(1);
  });

  it("does not replace what an installed skill needs, also not by itself or an update", async () => {
    const library = await home.open();
    place("git-utils 1.3.0");
    await library.install(home.write("r", skill("report 2.0.0", '[dependencies]\ngit-utils = "^1.0.0"\n')));
    await library.activate("git-utils");
    const chain = ["report 2.0.0", "git-utils ^1.0.0"];
    const two = home.write("g2", skill("git-utils 2.0.0"));
    const refused = { details: { conflict: "git-utils", chains: [["git-utils 2.0.0"], chain] } };
    await expect(library.install(two)).rejects.toMatchObject(refused);
    await expect(library.update("git-utils", { source: two, test: false, confirm: () => {} })).rejects
      .toMatchObject(refused);
    place("git-utils 2.0.0");
    const app = home.write("a", skill("app 1.0.0", '[dependencies]\ngit-utils = "^2.0.0"\n'));
    await expect(library.install(app)).rejects.toMatchObject({
      details: { chains: [["app 1.0.0", "git-utils 2.0.0"], chain] },
    });
    await library.install(home.write("g1", skill("git-utils 1.4.0")));
  });

  it("does not install anew what was quarantined", async () => {
    const library = await home.open();
    place("git-utils 1.3.0");
    await library.install("git-utils");
    await library.activate("git-utils");
    await library.quarantine("git-utils", "looked wrong");
    await expect(library.install(home.write("r", skill("report 2.0.0", REPORT)))).rejects.toMatchObject({
      code: "dependency_unsatisfiable",
    });
    expect((await library.info("git-utils")).status).toBe("quarantined");
  });

  it("takes nothing along when it was approved by itself: what it needs must be there", async () => {
    const library = await home.open();
    place("git-utils 1.3.0");
    const { key } = await library.stage(skill("report 2.0.0", REPORT));
    await library.build(key);
    await expect(library.installStaged(key)).rejects.toMatchObject({
      code: "dependency_unsatisfiable",
      fix: expect.stringContaining('install "git-utils"'),
    });
    await library.install("git-utils");
    expect((await library.installStaged(key)).id).toBe("report");
  });
});

describe("uninstall of what others need", () => {
  it("is refused, naming who needs it, until that is gone", async () => {
    const library = await home.open();
    place("git-utils 1.3.0");
    await library.install(home.write("r", skill("report 2.0.0", REPORT)));
    await expect(library.uninstall("git-utils")).rejects.toMatchObject({
      code: "dependency_unsatisfiable",
      message: '"git-utils" is not uninstalled: "report 2.0.0" needs "git-utils" >=1.2.0',
      fix: 'uninstall "report" first',
    });
    expect(existsSync(join(home.dir, ".runtime/git-utils"))).toBe(true);
    await library.uninstall("report");
    await library.uninstall("git-utils");
    expect(await library.list()).toEqual([]);
  });

  it("goes when another one provides the same", async () => {
    const library = await home.open();
    place("git-utils 1.3.0");
    await library.install(home.write("r", skill("report 2.0.0", REPORT)));
    await library.install(home.write("o", skill("other 1.0.0", '[provides]\ngit-utils = "1.9.0"\n')));
    await library.uninstall("git-utils");
    await expect(library.uninstall("other")).rejects.toMatchObject({ code: "dependency_unsatisfiable" });
    expect(await library.neededBy("other")).toEqual([
      { skill_id: "report", version: "2.0.0", name: "git-utils", range: ">=1.2.0", serving: false },
    ]);
  });
});
