import { Buffer } from "node:buffer";
import { SkillError } from "../../base/errors.ts";
import type { PackageFile } from "../../manifest/package-files.ts";

/** Package files as text, by relative path with `/`: what a graph's state holds. */
export type PackageFiles = Readonly<Record<string, string>>;

const MOST = { files: 512, bytes: 16 * 1024 * 1024, path: 240, depth: 16 } as const;

/**
 * Files given as text, as they enter a digest and the disk. Paths that leave the package are refused.
 *
 * @throws {SkillError} `invalid_package`
 */
export function packageFilesOf(files: PackageFiles): readonly PackageFile[] {
  const entries = Object.entries(files);
  if (entries.length === 0 || entries.length > MOST.files) {
    throw new SkillError(
      "invalid_package",
      `a package of ${entries.length} files is not accepted, it has 1 to ${MOST.files}`,
    );
  }
  const result = entries.map(([path, text]) => {
    const problem = pathProblem(path);
    if (problem !== undefined) {
      throw new SkillError(
        "invalid_package",
        `the path ${JSON.stringify(path.slice(0, 200))} is not accepted: ${problem}`,
        {
          fix: "use a relative path below the package, like tests/test_skill.py",
        },
      );
    }
    return { path, executable: false, bytes: Buffer.from(text, "utf8") };
  });
  refuseTwins(result);
  const size = result.reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
  if (size <= MOST.bytes) return result;
  throw new SkillError("invalid_package", `the package is ${size} bytes large, the limit is ${MOST.bytes}`);
}

/** The text files among the files of a package; binary ones are left out. */
export function textOf(files: readonly PackageFile[]): PackageFiles {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const texts: Record<string, string> = {};
  for (const { path, bytes } of files) {
    try {
      const text = decoder.decode(bytes);
      if (!text.includes("\0")) texts[path] = text;
    } catch {
      // not text
    }
  }
  return texts;
}

function pathProblem(path: string): string | undefined {
  if (path.length > MOST.path) return `it is longer than ${MOST.path} characters`;
  if (/[\p{Cc}\p{Surrogate}\\:]/u.test(path)) {
    return "it holds a character that is not accepted";
  }
  const parts = path.split("/");
  if (parts.length > MOST.depth) return `it is deeper than ${MOST.depth} folders`;
  if (parts.some((part) => part === "" || part === "." || part === "..")) {
    return "it does not stay below the package";
  }
  return undefined;
}

/** Two paths that are one on some file systems, and a file where another path needs a folder. */
function refuseTwins(files: readonly PackageFile[]): void {
  const folded = new Map(files.map(({ path }) => [path.normalize("NFC").toLowerCase(), path]));
  const clash = folded.size < files.length
    ? "two paths differ in case only"
    : [...folded.keys()].some((path) => parentsOf(path).some((parent) => folded.has(parent)))
    ? "a path is a file and a folder"
    : undefined;
  if (clash !== undefined) throw new SkillError("invalid_package", clash, { fix: "rename one of them" });
}

function parentsOf(path: string): readonly string[] {
  const parts = path.split("/");
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join("/"));
}
