import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { SkillLibrary } from "../../../src/lifecycle/skill-library.ts";
import { sharedEnvironments } from "../../environment/support.ts";
import { type TestHome, testHome } from "../support/open-home.ts";
import type { SkillsLock } from "../../../src/lifecycle/dependencies/lock.ts";

let home: TestHome;
beforeEach(() => {
  home = testHome();
});
afterEach(() => home.close());

function skill(text: string, tables = "", requirement = ""): Record<string, string> {
  const [id = "", version = ""] = text.split(" ");
  return {
    "manifest.toml":
      `id = "${id}"\nname = "${id}"\nversion = "${version}"\ndescription = "A part"\n${tables}`,
    "skill.py":
      `# /// script\n# dependencies = [${requirement}]\n# ///\ndef tell() -> str:\n    return "${text}"\n`,
  };
}

/** A home with `report`, which serves and leans on `git-utils`, and its lock. */
async function locked(library: SkillLibrary): Promise<SkillsLock> {
  await library.install(home.write("git-utils", skill("git-utils 1.3.0")));
  await library.install(
    home.write("report", skill("report 2.0.0", '[dependencies]\ngit-utils = "^1.0.0"\n')),
  );
  await library.activate("report");
  return await library.lock();
}

const lockFile = (): string => join(home.dir, "skills.lock");
const told = async (library: SkillLibrary, id: string): Promise<unknown> => (await library.run(id, {})).value;

/** The same folder as if it had just been cloned: packages and lock, no state. */
function forget(): void {
  for (const name of [".state", ".runtime", ".index"]) {
    rmSync(join(home.dir, name), { recursive: true, force: true });
  }
}

describe("skills.lock", () => {
  it("says what serves, else waits to, exactly, and is the same for the same home", async () => {
    const library = await home.open();
    const lock = await locked(library);
    expect(lock.skills).toEqual({
      "git-utils": {
        version: "1.3.0",
        digest: (await library.info("git-utils")).candidate?.digest,
        serves: false,
        needs: [],
        source: "../git-utils",
      },
      report: {
        version: "2.0.0",
        digest: (await library.info("report")).serving?.digest,
        serves: true,
        needs: ["git-utils"],
        source: "../report",
      },
    });
    const text = readFileSync(lockFile(), "utf8");
    expect(JSON.parse(text)).toEqual({ format: 1, ...lock });
    await library.lock();
    expect(readFileSync(lockFile(), "utf8")).toBe(text);
  });

  it("brings a cloned home back without network: what is needed first, the same bytes", async () => {
    const first = await home.open();
    const lock = await locked(first);
    await first.close();
    for (const name of ["git-utils", "report"]) rmSync(join(home.folder, name), { recursive: true });
    forget();
    const library = await home.open();
    const { installed, locked: order } = await library.installLocked({ offline: true });
    expect(installed.map(({ id, version }) => `${id} ${version}`)).toEqual([
      "git-utils 1.3.0",
      "report 2.0.0",
    ]);
    expect(order).toEqual([{ id: "git-utils", serves: false }, { id: "report", serves: true }]);
    expect((await library.info("report")).candidate?.digest).toBe(lock.skills["report"]?.digest);
    await library.activate("report");
    expect(await told(library, "report")).toBe("report 2.0.0");
    expect((await library.installLocked()).installed).toEqual([]);
    expect(await library.lock()).toMatchObject({ skills: { report: lock.skills["report"] ?? {} } });
  });

  it("goes back to what was locked, whatever was installed since", async () => {
    const library = await home.open();
    await locked(library);
    await library.install(home.write("other", skill("git-utils 1.4.0")));
    await library.activate("git-utils");
    expect((await library.installLocked()).installed.map(({ version }) => version)).toEqual(["1.3.0"]);
    await library.activate("git-utils");
    expect(await told(library, "git-utils")).toBe("git-utils 1.3.0");
  });

  it("installs nothing else, however it is named", async () => {
    const library = await home.open();
    await locked(library);
    const frozen = { frozen: true } as const;
    const edited = home.write("edited", skill("report 2.0.0"));
    await expect(library.install(edited, frozen)).rejects.toMatchObject({
      code: "digest_mismatch",
      message: 'these are not the files of "report" 2.0.0 in skills.lock',
    });
    await expect(library.install(home.write("more", skill("more 1.0.0")), frozen)).rejects.toMatchObject({
      code: "digest_mismatch",
      message: '"more" does not stand in skills.lock',
    });
    await library.uninstall("report");
    await library.uninstall("git-utils");
    const report = home.write("report", skill("report 2.0.0", '[dependencies]\ngit-utils = "^1.0.0"\n'));
    expect((await library.install(report, frozen)).id).toBe("report");
    expect((await library.list()).map(({ id }) => id)).toEqual(["git-utils", "report"]);
  });

  it("names what is no longer the same where it came from, and what is nowhere", async () => {
    const library = await home.open();
    await locked(library);
    await library.uninstall("report");
    await library.uninstall("git-utils");
    home.write("git-utils", skill("git-utils 1.3.1"));
    await expect(library.installLocked()).rejects.toMatchObject({
      code: "digest_mismatch",
      details: { id: "git-utils" },
    });
    rmSync(join(home.folder, "git-utils"), { recursive: true });
    await expect(library.installLocked()).rejects.toMatchObject({
      code: "source_unreachable",
      message: expect.stringContaining("neither in the home nor where it came from"),
    });
    const lock = JSON.parse(readFileSync(lockFile(), "utf8")) as {
      skills: Record<string, { source: string }>;
    };
    const entry = lock.skills["git-utils"] ?? { source: "" };
    entry.source = "git+https://example.org/skills.git#git-utils";
    writeFileSync(lockFile(), JSON.stringify(lock));
    await expect(library.installLocked({ offline: true })).rejects.toMatchObject({
      code: "source_unreachable",
      fix: expect.stringContaining("without --offline"),
    });
    expect(await library.list()).toEqual([]);
  });

  it("is refused when it is missing, damaged or goes round", async () => {
    const library = await home.open();
    await expect(library.installLocked()).rejects.toMatchObject({
      code: "not_found",
      fix: expect.stringContaining("skillwright lock"),
    });
    const lock = await locked(library);
    const round = {
      ...lock.skills,
      "git-utils": { ...lock.skills["git-utils"], needs: ["report"] },
    };
    const wrong: readonly string[] = [
      "",
      "{",
      '{"format": 2, "skills": {}}',
      '{"format": 1, "skills": {"../x": {}}}',
      '{"format": 1, "skills": {"x": {"version": "1.0.0"}}}',
      JSON.stringify({ format: 1, skills: round }),
    ];
    for (const text of wrong) {
      writeFileSync(lockFile(), text);
      await expect(library.installLocked()).rejects.toMatchObject({ code: "invalid_input" });
    }
    const missing = { format: 1, skills: { report: lock.skills["report"] } };
    writeFileSync(lockFile(), JSON.stringify(missing));
    await expect(library.installLocked()).rejects.toMatchObject({ code: "digest_mismatch" });
  });

  it("brings back the very Python packages, from the cache when the network is off", async () => {
    const environments = await sharedEnvironments();
    const library = await home.open({ environments });
    const old = skill("old 1.0.0", "", '"six==1.16.0"');
    await library.install(home.write("old", old));
    const { skills } = await library.lock();
    expect(skills["old"]?.python).toMatch(/^six==1\.16\.0 \\\n {4}--hash=sha256:/);
    await library.uninstall("old");
    await library.installLocked({ offline: true });
    expect((await library.lock()).skills).toEqual(skills);
    await library.uninstall("old");
    const pins = (skills["old"]?.python ?? "").replaceAll("1.16.0", "1.15.0");
    writeFileSync(
      lockFile(),
      JSON.stringify({ format: 1, skills: { old: { ...skills["old"], python: pins } } }),
    );
    await expect(library.installLocked({ offline: true })).rejects.toMatchObject({
      code: "dependency_refused",
    });
    expect(await library.list()).toEqual([]);
  });
});
