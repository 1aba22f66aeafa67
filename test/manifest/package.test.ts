import { execFileSync } from "node:child_process";
import { chmod, link, mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadPackage } from "../../src/manifest/package.ts";
import { readPackageFiles } from "../../src/manifest/package-files.ts";
import { errorOf, folderWith } from "./helpers.ts";

const MANIFEST = 'id = "roman"\nname = "Roman"\nversion = "1.0.0"\ndescription = "Roman numerals"\n';
const HEADER = [
  "# /// script",
  '# dependencies = ["rich"]',
  "# [tool.skillwright]",
  '# id = "roman"',
  '# name = "Roman"',
  '# version = "1.0.0"',
  '# description = "Roman numerals"',
  "# [[tool.skillwright.tools]]",
  '# name = "to_roman"',
  "# ///",
  "def to_roman(number: int) -> str: ...",
  "",
].join("\n");

describe("loadPackage", () => {
  it("loads a folder with manifest.toml", async () => {
    const dir = await folderWith({ "manifest.toml": MANIFEST, "skill.py": "def invoke(): ...\n" });
    expect(await loadPackage(dir)).toMatchObject({
      path: dir,
      dir,
      form: "manifest.toml",
      manifest: { id: "roman" },
      script: { dependencies: [], tool: {} },
      source: "def invoke(): ...\n",
      hints: [],
    });
  });

  it("loads a single script with its manifest in the header", async () => {
    const dir = await folderWith({ "roman.py": HEADER, "other.txt": "x" });
    const path = join(dir, "roman.py");
    const loaded = await loadPackage(path);
    expect(loaded).toMatchObject({
      path,
      dir,
      form: "pep723",
      manifest: { id: "roman", entry_file: "roman.py", tools: [{ name: "to_roman" }] },
      script: { dependencies: ["rich"] },
    });
    expect((await readPackageFiles(loaded.path)).map((file) => file.path)).toEqual(["roman.py"]);
  });

  it("loads a folder with one such script", async () => {
    const dir = await folderWith({ "roman.py": HEADER, "helper.py": "x = 1\n" });
    expect(await loadPackage(dir)).toMatchObject({
      path: dir,
      form: "pep723",
      manifest: { entry_file: "roman.py" },
    });
  });

  it("refuses to choose between two such scripts", async () => {
    const dir = await folderWith({ "a.py": HEADER, "b.py": HEADER });
    expect((await errorOf(() => loadPackage(dir))).code).toBe("invalid_package");
  });

  it("names the line of a wrong key in the header", async () => {
    const dir = await folderWith({
      "skill.py": HEADER.replace('# version = "1.0.0"', '# verison = "1.0.0"'),
    });
    const error = await errorOf(() => loadPackage(dir));
    const findings = error.details?.["findings"];
    expect(error.code).toBe("invalid_manifest");
    expect(findings).toContainEqual(
      expect.objectContaining({ file: "skill.py", line: 6, fix: 'Did you mean "version"?' }),
    );
  });

  it("says which of two manifests counts", async () => {
    const dir = await folderWith({ "manifest.toml": MANIFEST, "skill.py": HEADER });
    const { form, hints } = await loadPackage(dir);
    expect([form, hints.map(({ rule }) => rule)]).toEqual(["manifest.toml", ["script/unused-manifest"]]);
  });

  it("tells of a line that only looks like a header", async () => {
    const dir = await folderWith({ "manifest.toml": MANIFEST, "skill.py": "# /// script \n# x\n# ///\n" });
    expect((await loadPackage(dir)).hints).toMatchObject([{
      rule: "script/not-a-block",
      line: 1,
      severity: "warning",
    }]);
  });

  it("follows a link to the package itself, which the caller named", async () => {
    const dir = await folderWith({ "p/manifest.toml": MANIFEST, "p/skill.py": "" });
    await symlink(join(dir, "p"), join(dir, "q"));
    expect((await loadPackage(join(dir, "q"))).manifest.id).toBe("roman");
  });

  it.each<[string, string, (dir: string) => unknown]>([
    ["a link", "invalid_script", (dir) => symlink("/etc/hostname", join(dir, "skill.py"))],
    ["a FIFO", "invalid_script", (dir) => execFileSync("mkfifo", [join(dir, "skill.py")])],
    ["a folder", "invalid_script", (dir) => mkdir(join(dir, "skill.py"))],
    ["absent", "not_found", () => {}],
  ])("refuses an entry file that is %s", async (_name, code, make) => {
    const dir = await folderWith({ "manifest.toml": MANIFEST });
    await make(dir);
    expect((await errorOf(() => loadPackage(dir))).code).toBe(code);
  });

  it("refuses an entry file behind a linked folder, and takes it from a real one", async () => {
    const manifest = `${MANIFEST}entry_file = "src/skill.py"\n`;
    const dir = await folderWith({
      "p/manifest.toml": manifest,
      "outside/skill.py": "",
      "p/src/skill.py": "",
    });
    expect((await loadPackage(join(dir, "p"))).manifest.entry_file).toBe("src/skill.py");
    await rm(join(dir, "p/src"), { recursive: true });
    await symlink("../outside", join(dir, "p/src"));
    expect((await errorOf(() => loadPackage(join(dir, "p")))).message).toContain("behind a link");
  });

  it("refuses an entry file outside of the package", async () => {
    const dir = await folderWith({
      "p/manifest.toml": `${MANIFEST}entry_file = "../skill.py"\n`,
      "skill.py": "",
    });
    expect((await errorOf(() => loadPackage(join(dir, "p")))).code).toBe("invalid_manifest");
  });

  it.each([
    ["nothing there", "none", "not_found"],
    ["a folder with neither", "empty", "not_found"],
    ["a script without manifest", "plain.py", "invalid_script"],
    ["another file", "empty/x.txt", "invalid_script"],
  ])("refuses %s", async (_name, path, code) => {
    const dir = await folderWith({ "empty/x.txt": "", "plain.py": "x = 1\n" });
    expect((await errorOf(() => loadPackage(join(dir, path)))).code).toBe(code);
  });

  it("refuses a manifest that is no TOML, with file and line", async () => {
    const dir = await folderWith({ "skill.py": "", "manifest.toml": `${MANIFEST}tools = [\n` });
    expect(await errorOf(() => loadPackage(dir))).toMatchObject({
      code: "invalid_manifest",
      message: expect.stringMatching(/^manifest\.toml line \d+: not valid TOML: /),
    });
  });

  it("refuses a manifest that is a link", async () => {
    const dir = await folderWith({ "skill.py": "", "real.toml": MANIFEST });
    await symlink("real.toml", join(dir, "manifest.toml"));
    expect((await errorOf(() => loadPackage(dir))).message).toContain("is a link");
  });
});

describe("readPackageFiles", () => {
  const refusal = (dir: string, bounds = {}) => errorOf(() => readPackageFiles(dir, bounds));

  it("reads regular files, sorted, with their modes, without caches", async () => {
    const dir = await folderWith({
      "skill.py": "x",
      "a/run.sh": "y",
      "__pycache__/skill.pyc": "",
      "a/__pycache__/b.pyc": "",
      ".git/config": "",
      ".venv/x": "",
      ".env.example": "z",
    });
    await chmod(join(dir, "a/run.sh"), 0o755);
    const files = await readPackageFiles(dir);
    expect(files.map(({ path, executable, bytes }) => [path, executable, new TextDecoder().decode(bytes)]))
      .toEqual([
        [".env.example", false, "z"],
        ["a/run.sh", true, "y"],
        ["skill.py", false, "x"],
      ]);
  });

  it.each<[string, (dir: string) => unknown, string]>([
    ["a link to a file", (dir) => symlink("/etc/hostname", join(dir, "l")), "l is a link"],
    ["a link to a folder", (dir) => symlink("/etc", join(dir, "l")), "l is a link"],
    ["a dangling link", (dir) => symlink("nowhere", join(dir, "l")), "l is a link"],
    ["a FIFO", (dir) => execFileSync("mkfifo", [join(dir, "f")]), "f is not a regular file"],
    ["names that differ in case", (dir) => writeFile(join(dir, "SKILL.py"), ""), "differ in case"],
    ["names that differ in composition", async (dir) => {
      await writeFile(join(dir, "\u00e9"), "");
      await writeFile(join(dir, "e\u0301"), "");
    }, "differ in case"],
    ["a line break in a name", (dir) => writeFile(join(dir, "a\nb"), ""), "a character in its name"],
    ["a backslash in a name", (dir) => writeFile(join(dir, "a\\b"), ""), "a character in its name"],
    ["deep folders", (dir) => mkdir(join(dir, "d/".repeat(20)), { recursive: true }), "nested deeper"],
  ])("refuses %s", async (_name, make, reason) => {
    const dir = await folderWith({ "skill.py": "" });
    await make(dir);
    const error = await refusal(dir);
    expect(error.code).toBe("invalid_package");
    expect(error.message).toContain(reason);
  });

  it("refuses a device", async () => {
    expect((await errorOf(() => readPackageFiles("/dev/null"))).message).toContain("not a regular file");
  });

  it("bounds number and size, to the byte", async () => {
    const dir = await folderWith({ a: "12345", b: "12345" });
    expect(await readPackageFiles(dir, { maxFiles: 2, maxBytes: 10 })).toHaveLength(2);
    expect((await refusal(dir, { maxFiles: 1 })).message).toContain("more than 1 files");
    expect((await refusal(dir, { maxBytes: 9 })).message).toContain("larger than 9 bytes");
  });

  it("reads a file with two names like any other", async () => {
    const dir = await folderWith({ "p/a": "x" });
    await link(join(dir, "p/a"), join(dir, "hard"));
    expect(await readPackageFiles(join(dir, "p"))).toHaveLength(1);
  });

  it("says when there is nothing", async () => {
    expect((await refusal("/nowhere/at/all")).code).toBe("not_found");
  });
});
