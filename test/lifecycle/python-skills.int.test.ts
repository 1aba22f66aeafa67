import { existsSync, readdirSync, readFileSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  activatePythonSkill,
  advancePythonSkillStatus,
  disablePythonSkill,
  installPythonSkill,
  listPythonSkills,
  loadPythonRegistry,
  PythonSkillRegistry,
  quarantinePythonSkill,
  rollbackPythonSkill,
  savePythonRegistry,
} from "../../src/index.ts";
import type { OpenedLibrary } from "../../src/lifecycle/library.ts";
import { romanSkill, type TestHome, testHome } from "./support/open-home.ts";

let home: TestHome, library: OpenedLibrary;
beforeEach(async () => {
  home = testHome();
  library = await home.open();
});
afterEach(() => home.close());

const tell = async (): Promise<unknown> => (await library.run("roman", {}, { tool: "tell" })).value;

describe("the papers' functions", () => {
  it("take a skill through its whole life, and the registry file shows each step", async () => {
    const skills = { library };
    const shown = async (): Promise<unknown> => [...(await loadPythonRegistry(home.dir)).statusMap()];
    const id = "roman";
    expect(await shown()).toEqual([]);
    expect(await installPythonSkill(skills, home.write("v1", romanSkill()))).toMatchObject({
      id,
      status: "pending",
      last_error: null,
    });
    expect(await shown()).toEqual([[id, "pending"]]);
    expect(await advancePythonSkillStatus(skills, id, "testing")).toMatchObject({ status: "testing" });
    expect(await advancePythonSkillStatus(skills, id, "active")).toMatchObject({ status: "active" });
    expect(await tell()).toBe("1.0.0");
    expect(await disablePythonSkill(skills, id)).toMatchObject({ status: "disabled" });
    expect(await shown()).toEqual([[id, "disabled"]]);
    await installPythonSkill(skills, home.write("v2", romanSkill("2.0.0")), { test: true });
    expect(await activatePythonSkill(skills, id)).toMatchObject({ version: "2.0.0", status: "active" });
    expect(await quarantinePythonSkill(skills, id, "it lies")).toMatchObject({
      status: "quarantined",
      last_error: "it lies",
    });
    expect(await shown()).toEqual([[id, "quarantined"]]);
    expect(await rollbackPythonSkill(skills, id)).toMatchObject({ version: "1.0.0", status: "active" });
    expect(await tell()).toBe("1.0.0");
    expect(await listPythonSkills(skills)).toEqual(await listPythonSkills(library));
    expect(await listPythonSkills(skills)).toMatchObject([{ id, version: "1.0.0", status: "active" }]);
    await expect(advancePythonSkillStatus(skills, id, "pending")).rejects.toMatchObject({
      code: "invalid_transition",
    });
    await expect(rollbackPythonSkill(skills, "nobody")).rejects.toMatchObject({ code: "not_found" });
  });

  it("activate restores the script from what is installed when the disabled copy is gone", async () => {
    await installPythonSkill(library, home.write("v1", romanSkill()));
    await activatePythonSkill(library, "roman");
    const script = join(home.dir, "roman.py"), aside = join(home.dir, ".state/disabled/roman.py");
    const bytes = readFileSync(script);
    for (
      const stop of [
        disablePythonSkill,
        (...[skills, id]: [OpenedLibrary, string]) => quarantinePythonSkill(skills, id, "look"),
      ]
    ) {
      await stop(library, "roman");
      expect([existsSync(script), existsSync(aside)]).toEqual([false, true]);
      unlinkSync(aside);
      await activatePythonSkill(library, "roman");
      expect(readFileSync(script)).toEqual(bytes);
      expect(await tell()).toBe("1.0.0");
    }
    expect(await library.check()).toEqual([]);
  });

  it("activate refuses a build that is gone: nothing says that it serves", async () => {
    await installPythonSkill(library, home.write("v1", romanSkill()));
    await activatePythonSkill(library, "roman");
    await disablePythonSkill(library, "roman");
    const builds = join(home.dir, ".runtime/roman/builds");
    rmSync(join(builds, readdirSync(builds)[0] ?? "", "src"), { recursive: true });
    await expect(activatePythonSkill(library, "roman")).rejects.toMatchObject({ code: "tampered" });
    expect(await library.info("roman")).toMatchObject({ status: "disabled", serving: null });
  });

  it("roll back within a version and across versions, and what they go back to answers", async () => {
    const told = (version: string, answer: string): Record<string, string> => {
      const { "skill.py": script = "", ...files } = romanSkill(version);
      return { ...files, "skill.py": script.replace(`return "${version}"`, `return "${answer}"`) };
    };
    const serve = async (name: string, version: string): Promise<unknown> => {
      await installPythonSkill(library, home.write(name, told(version, name)));
      await activatePythonSkill(library, "roman");
      return await tell();
    };
    const back = async (): Promise<unknown> => {
      const { version, serving } = await rollbackPythonSkill(library, "roman");
      return [await tell(), version, serving?.slot];
    };
    expect(await serve("first", "1.0.0")).toBe("first");
    expect(await serve("second", "1.0.0")).toBe("second");
    expect(await back()).toEqual(["first", "1.0.0", "A"]);
    expect(await back()).toEqual(["second", "1.0.0", "B"]);
    expect(await serve("third", "2.0.0")).toBe("third");
    expect(await back()).toEqual(["second", "1.0.0", "B"]);
    expect(await back()).toEqual(["third", "2.0.0", "A"]);
    expect(await library.check()).toEqual([]);
  });
});

describe("the registry file of a home", () => {
  it("is named and made again when it is damaged, never taken for an empty one", async () => {
    await installPythonSkill(library, home.write("v1", romanSkill()));
    const file = join(home.dir, ".state/python_registry.json");
    const sound = readFileSync(file);
    for (const damage of ["{", "\0\0\0", sound.subarray(0, 60)]) {
      writeFileSync(file, damage);
      await expect(loadPythonRegistry(home.dir)).rejects.toMatchObject({
        code: "home_unusable",
        message: expect.stringContaining(file),
      });
    }
    for (const damage of ["", "{", "\0\0\0", '{"skills": []}', sound.subarray(0, 60)]) {
      writeFileSync(file, damage);
      expect(await listPythonSkills(library)).toHaveLength(1);
      expect(await library.check()).toEqual([
        expect.objectContaining({ rule: "home/repaired", file: ".state/python_registry.json" }),
      ]);
      expect(readFileSync(file)).toEqual(sound);
    }
    expect((await loadPythonRegistry(home.dir)).get("roman")).toMatchObject({
      script_path: "roman.py",
      status: "pending",
    });
  });

  it("is written by the home alone: a registry is saved elsewhere", async () => {
    await installPythonSkill(library, home.write("v1", romanSkill()));
    const registry = await loadPythonRegistry(home.dir);
    const [roman] = registry.records;
    if (roman === undefined) throw new Error("no record");
    registry.upsert({ ...roman, status: "active" });
    await expect(savePythonRegistry(home.dir, registry)).rejects.toMatchObject({
      code: "invalid_input",
      fix: expect.stringContaining("activatePythonSkill"),
    });
    expect(await listPythonSkills(library)).toMatchObject([{ status: "pending" }]);
    expect((await loadPythonRegistry(home.dir)).get("roman")?.status).toBe("pending");
    const elsewhere = join(home.folder, "copy");
    await savePythonRegistry(elsewhere, registry);
    expect((await loadPythonRegistry(elsewhere)).records).toEqual(registry.records);
    await savePythonRegistry(elsewhere, new PythonSkillRegistry());
    expect((await loadPythonRegistry(elsewhere)).records).toEqual([]);
  });
});
