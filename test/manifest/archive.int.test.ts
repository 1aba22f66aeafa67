import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { readTar } from "../../src/manifest/archive/read-tar.ts";
import { readZip } from "../../src/manifest/archive/read-zip.ts";
import { writeTar } from "../../src/manifest/archive/write-tar.ts";
import type { PackageFile } from "../../src/manifest/package-files.ts";

const folder = mkdtempSync(join(tmpdir(), "skillwright-archives-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
execFileSync("python3", [fileURLToPath(new URL("./fixtures/archives.py", import.meta.url)), folder]);

function read(name: string): Promise<readonly PackageFile[]> {
  const bytes = readFileSync(join(folder, name));
  return name.endsWith(".zip") ? readZip(bytes) : readTar(bytes);
}

const hostile = readdirSync(folder).filter((name) => name.startsWith("bad-")).sort();

/** What each is refused for; what is not named here cannot be read at all. */
const REASONS: Readonly<Record<string, RegExp>> = {
  up: /leads out of the archive|invalid relative path/,
  "up-inside": /leads out of the archive/,
  absolute: /leads out of the archive|absolute path/,
  backslash: /not accepted/,
  drive: /leads out of the archive/,
  pax: /leads out of the archive/,
  symlink: /neither a file nor a folder/,
  "symlink-then-file": /neither a file nor a folder/,
  hardlink: /neither a file nor a folder/,
  fifo: /neither a file nor a folder/,
  device: /neither a file nor a folder/,
  setuid: /set-ID bit/,
  twice: /occurs twice/,
  case: /differ in case only/,
  control: /not accepted/,
  deep: /nested deeper/,
  many: /more than 512 files/,
  folders: /too many entries/,
  large: /larger than|more than/,
  lying: /too many bytes|larger than|invalid|size/,
};

describe("an archive", () => {
  test.each(["plain.tar.gz", "plain.tar", "top.tgz", "plain.zip", "top.zip"])("%s is read", async (name) => {
    const files = await read(name);
    expect(files.map(({ path, executable }) => [path, executable])).toEqual([
      ["manifest.toml", false],
      ["run.sh", true],
      ["skill.py", false],
    ]);
    expect(new TextDecoder().decode(files[2]?.bytes)).toContain("def invoke()");
  });

  test.each(hostile)("%s is refused, and nothing appears anywhere", async (name) => {
    const before = readdirSync(folder).length;
    const what = /^bad-(.*?)\.(tar\.gz|zip)$/.exec(name)?.[1] ?? "";
    await expect(read(name)).rejects.toMatchObject({
      code: "invalid_package",
      message: expect.stringMatching(REASONS[what] ?? /the archive|invalid|unexpected|end/i),
    });
    expect(readdirSync(folder)).toHaveLength(before);
    expect(existsSync("/tmp/escaped.py")).toBe(false);
    expect(existsSync(join(folder, "../escaped.py"))).toBe(false);
  });

  test("that is packed gives the same files back, and the same bytes every time", async () => {
    const files = await read("plain.tar.gz");
    const packed = await writeTar(files, "packed-1.0.0");
    expect(await readTar(packed)).toEqual(files);
    expect(await writeTar(files, "packed-1.0.0")).toEqual(packed);
  });
});
