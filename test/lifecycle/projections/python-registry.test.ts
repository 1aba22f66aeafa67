import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  canTransitionTo,
  isRunnable,
  loadPythonRegistry,
  type PythonSkillRecord,
  PythonSkillRegistry,
  savePythonRegistry,
} from "../../../src/index.ts";

function record(id: string, changes: Partial<PythonSkillRecord> = {}): PythonSkillRecord {
  return {
    id,
    name: `Skill ${id}`,
    version: "1.0.0",
    status: "active",
    script_path: `${id}.py`,
    work_dir: `.runtime/${id}/1.0.0/slots/A`,
    last_known_good_snapshot: null,
    last_error: null,
    installed_at: 1,
    updated_at: 2,
    ...changes,
  };
}

let dir: string, file: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "skillwright-registry-"));
  file = join(dir, ".state/python_registry.json");
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function write(text: string | Uint8Array): void {
  mkdirSync(join(dir, ".state"), { recursive: true });
  writeFileSync(file, text);
}

describe("PythonSkillRegistry", () => {
  it("upsert adds a record, which get finds by its id", () => {
    const registry = new PythonSkillRegistry();
    expect(registry.get("roman")).toBeUndefined();
    registry.upsert(record("roman"));
    registry.upsert(record("area"));
    expect(registry.get("roman")).toEqual(record("roman"));
    expect(registry.get("area")).toEqual(record("area"));
    expect(registry.get("nobody")).toBeUndefined();
  });

  it("upsert of a known id replaces its record; twice is the same as once", () => {
    const registry = new PythonSkillRegistry([record("area"), record("roman")]);
    const changed = record("area", { version: "2.0.0", status: "disabled" });
    registry.upsert(changed);
    const once = registry.records;
    registry.upsert(changed);
    expect(registry.records).toEqual(once);
    expect(once).toEqual([changed, record("roman")]);
  });

  it("statusMap gives each id its status, and the records stand in the order of the ids", () => {
    const ids = ["zeta", "a_b", "a-b", "alpha"];
    const registry = new PythonSkillRegistry(ids.map((id) => record(id)));
    registry.upsert(record("zeta", { status: "quarantined" }));
    expect([...registry.statusMap()]).toEqual([
      ["a-b", "active"],
      ["a_b", "active"],
      ["alpha", "active"],
      ["zeta", "quarantined"],
    ]);
    expect(registry.records.map(({ id }) => id)).toEqual([...registry.statusMap().keys()]);
  });

  it("upsert refuses what is no record, and keeps what it has", () => {
    const registry = new PythonSkillRegistry([record("roman")]);
    const wrong: readonly unknown[] = [
      null,
      {},
      record("Bad Id"),
      record("__proto__"),
      { ...record("roman"), status: "Active" },
      { ...record("roman"), updated_at: "now" },
      { ...record("roman"), updated_at: -1 },
      { ...record("roman"), version: "" },
      ...["/etc/passwd", "../roman.py", "a/../../b", "C:\\x", "a\\..\\b", "", "a\0"].map((script_path) =>
        record("roman", { script_path })
      ),
    ];
    for (const one of wrong) {
      expect(() => registry.upsert(one as PythonSkillRecord)).toThrow(
        expect.objectContaining({ code: "invalid_input" }),
      );
    }
    expect(registry.records).toEqual([record("roman")]);
  });
});

describe("loadPythonRegistry", () => {
  it("gives an empty registry for a missing or empty file, or a missing folder", async () => {
    expect((await loadPythonRegistry(dir)).records).toEqual([]);
    expect((await loadPythonRegistry(join(dir, "nowhere"))).records).toEqual([]);
    write("");
    expect((await loadPythonRegistry(dir)).records).toEqual([]);
    write('{"skills": []}');
    expect((await loadPythonRegistry(dir)).records).toEqual([]);
  });

  it("reads what savePythonRegistry wrote, every field, whole or not at all", async () => {
    const full = record("roman", {
      name: 'Ré "quoted"\n',
      status: "quarantined",
      last_known_good_snapshot: ".state/snapshots/roman/0",
      last_error: "it lies",
      installed_at: 1_700_000_000_000,
    });
    const registry = new PythonSkillRegistry([full, record("area")]);
    await savePythonRegistry(dir, registry);
    const loaded = await loadPythonRegistry(dir);
    expect(loaded.records).toEqual(registry.records);
    expect(loaded.get("roman")).toEqual(full);
    expect(readdirSync(join(dir, ".state"))).toEqual(["python_registry.json"]);
    await savePythonRegistry(dir, new PythonSkillRegistry());
    expect((await loadPythonRegistry(dir)).records).toEqual([]);
  });

  it("names a file that is damaged: it is never taken for an empty one", async () => {
    const sound = JSON.stringify({ skills: [record("roman")] });
    write(sound);
    expect((await loadPythonRegistry(dir)).records).toHaveLength(1);
    const damaged: readonly (string | Uint8Array)[] = [
      sound.slice(0, -2),
      "\0".repeat(sound.length),
      " \n",
      "{}",
      "[]",
      "null",
      '{"skills": {}}',
      '{"skills": [null]}',
      '{"skills": [{}]}',
      JSON.stringify({ skills: [record("roman"), record("roman")] }),
      JSON.stringify({ skills: [{ ...record("roman"), status: "running" }] }),
      JSON.stringify({ skills: [record("roman", { work_dir: "../../etc" })] }),
      `{"skills": [${"[".repeat(100_000)}${"]".repeat(100_000)}]}`,
      new Uint8Array([0xff, 0xfe, 0x00]),
    ];
    for (const bytes of damaged) {
      write(bytes);
      await expect(loadPythonRegistry(dir)).rejects.toMatchObject({
        code: "home_unusable",
        message: expect.stringContaining(file),
        details: { file },
      });
    }
  });

  it("refuses what is no plain file, and one that is too large, without reading it", async () => {
    mkdirSync(file, { recursive: true });
    await expect(loadPythonRegistry(dir)).rejects.toMatchObject({ code: "home_unusable", details: { file } });
    rmSync(file, { recursive: true });
    symlinkSync("/etc/hostname", file);
    await expect(loadPythonRegistry(dir)).rejects.toMatchObject({ code: "home_unusable" });
    rmSync(file);
    write("");
    truncateSync(file, 65 << 20);
    await expect(loadPythonRegistry(dir)).rejects.toMatchObject({
      code: "home_unusable",
      message: expect.stringContaining("larger than"),
    });
  });

  it.skipIf(spawnSync("mkfifo", ["--version"]).status !== 0)("does not wait for a pipe", async () => {
    mkdirSync(join(dir, ".state"));
    spawnSync("mkfifo", [file]);
    await expect(loadPythonRegistry(dir)).rejects.toMatchObject({ code: "home_unusable" });
  });
});

describe("savePythonRegistry", () => {
  it("replaces a link instead of writing through it", async () => {
    mkdirSync(join(dir, ".state"));
    const target = join(dir, "target");
    writeFileSync(target, "mine");
    symlinkSync(target, file);
    await savePythonRegistry(dir, new PythonSkillRegistry([record("roman")]));
    expect(readFileSync(target, "utf8")).toBe("mine");
    expect(statSync(file).isFile()).toBe(true);
  });

  it("says where it cannot write", async () => {
    writeFileSync(join(dir, "plain"), "");
    await expect(savePythonRegistry(join(dir, "plain"), new PythonSkillRegistry())).rejects.toMatchObject({
      code: "home_unusable",
    });
    expect(existsSync(file)).toBe(false);
  });
});

describe("a status", () => {
  it("goes on as the papers' table says, and only active can be run", () => {
    expect([canTransitionTo("pending", "testing"), canTransitionTo("pending", "active")]).toEqual([
      true,
      false,
    ]);
    expect([isRunnable("active"), isRunnable("testing")]).toEqual([true, false]);
  });
});
