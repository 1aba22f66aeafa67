import { Buffer } from "node:buffer";
import { SkillError } from "../base/errors.ts";
import type { PackageFiles } from "../lifecycle/packages/package-text.ts";

/** Bounds of a package in the graph's state. */
export const PACKAGE_BOUNDS: { readonly files: number; readonly bytes: number; readonly path: number } = {
  files: 64,
  /** All files together: 256 KiB. */
  bytes: 256 * 1024,
  path: 200,
};

const SEGMENT = /^[A-Za-z0-9_][A-Za-z0-9._-]*$/;

/**
 * The files with one more, or one changed.
 *
 * @throws {SkillError} `invalid_package` for a path that leaves the package, is absolute or odd, for text that is
 * not Unicode, and for more than the bounds.
 */
export function withFile(files: PackageFiles, path: string, content: string): PackageFiles {
  const clean = packagePath(path);
  if (/\p{Surrogate}|\0/u.test(content)) {
    throw new SkillError("invalid_package", `${JSON.stringify(clean)} holds characters that are not text`, {
      fix: "write plain Unicode text without NUL",
    });
  }
  const next = { ...files, [clean]: content };
  const bytes = Object.values(next).reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  if (bytes > PACKAGE_BOUNDS.bytes) {
    throw new SkillError(
      "invalid_package",
      `with ${
        JSON.stringify(clean)
      } the package would be ${bytes} bytes, the limit is ${PACKAGE_BOUNDS.bytes}`,
      { fix: "write less; data belongs into the input, not into the package" },
    );
  }
  const count = Object.keys(next).length;
  if (count > PACKAGE_BOUNDS.files) {
    throw new SkillError(
      "invalid_package",
      `the package would have ${count} files, the limit is ${PACKAGE_BOUNDS.files}`,
    );
  }
  return next;
}

/** Many files at once, each checked as `withFile` does. */
export function withFiles(files: PackageFiles, added: PackageFiles): PackageFiles {
  return Object.entries(added).reduce((all, [path, content]) => withFile(all, path, content), files);
}

/** A path inside a package, without a leading `./`. @throws {SkillError} `invalid_package` */
export function packagePath(path: string): string {
  const clean = path.replace(/^(?:\.\/)+/, "");
  const segments = clean.split("/");
  if (
    clean === "__proto__" || clean.length > PACKAGE_BOUNDS.path ||
    !segments.every((segment) => SEGMENT.test(segment))
  ) {
    throw new SkillError(
      "invalid_package",
      `the path ${JSON.stringify(path.slice(0, 200))} is not accepted`,
      {
        fix:
          "use a relative path below the package, with letters, digits, dot, dash and underscore, like tests/test_skill.py",
      },
    );
  }
  return clean;
}
