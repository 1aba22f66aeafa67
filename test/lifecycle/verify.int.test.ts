import { chmodSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { cli } from "../cli/recording-terminal.ts";
import { sharedEnvironments } from "../environment/support.ts";
import { romanSkill, testHome } from "./support/open-home.ts";

test("verify tells sources, packages and snapshots that are not as they were installed, by their digests", async () => {
  const home = testHome();
  try {
    const library = await home.open({ environments: await sharedEnvironments() });
    const files = romanSkill();
    const script = (files["skill.py"] ?? "").replace("dependencies = []", 'dependencies = ["six==1.16.0"]');
    await library.install(home.write("roman", { ...files, "skill.py": script }));
    expect(await library.verify("roman")).toEqual([]);
    const builds = join(home.dir, ".runtime/roman/builds");
    const build = join(builds, readdirSync(builds)[0] ?? "");
    const site = readdirSync(join(build, "venv/lib")).map((name) =>
      join(build, "venv/lib", name, "site-packages")
    );
    writeFileSync(join(site[0] ?? "", "planted.py"), "");
    expect(await library.verify("roman")).toMatchObject([{ severity: "error", rule: "home/environment" }]);
    rmSync(join(site[0] ?? "", "planted.py"));
    expect(await library.verify("roman")).toEqual([]);
    const entry = join(build, "src/skill.py");
    chmodSync(entry, 0o644);
    writeFileSync(entry, `${script}# changed\n`);
    expect(await library.verify("roman")).toMatchObject([{ severity: "error", rule: "home/build" }]);
    await expect(library.verify("romn")).rejects.toMatchObject({ code: "not_found" });
    await library.close();
    const told = await cli(["validate", "roman", "--dir", home.dir]);
    expect([told.code, told.stdout]).toEqual([1, expect.stringContaining("not as it was installed")]);
    expect((await cli(["validate", join(home.folder, "roman"), "--dir", home.dir])).stdout).toContain(
      "valid",
    );
  } finally {
    await home.close();
  }
});
