import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { z } from "zod";
import { SkillError } from "../base/errors.ts";
import { digestFiles } from "../base/digest.ts";
import { writeTar } from "../manifest/archive/write-tar.ts";
import { loadPackage } from "../manifest/package.ts";
import { readPackageFiles } from "../manifest/package-files.ts";
import type { Operation } from "./types.ts";

/** Answer of `pack`. */
export interface PackAnswer {
  readonly id: string;
  readonly version: string;
  readonly file: string;
  readonly size: number;
  /** Of the package's files: what an approval and an installation name. */
  readonly digest: string;
}

/** Operation `pack`. */
export const pack: Operation<{ package_dir: string; out?: string | undefined }, PackAnswer> = {
  name: "pack",
  description: "Pack a package folder into one .tar.gz that can be installed",
  mode: "full",
  input: z.object({ package_dir: z.string().min(1), out: z.string().min(1).optional() }),
  async handler({ skills }, { package_dir, out }): Promise<PackAnswer> {
    const report = await skills.library.validate(package_dir);
    if (!report.ok) {
      throw new SkillError("validation_failed", `"${package_dir}" is not valid`, {
        fix: "see what validate says of it",
        details: { findings: report.findings },
      });
    }
    const { path, manifest: { id, version } } = await loadPackage(package_dir);
    const files = await readPackageFiles(path);
    const bytes = await writeTar(files, `${id}-${version}`);
    const file = resolve(out ?? `${id}-${version}.tar.gz`);
    try {
      await writeFile(file, bytes, { flag: "wx" });
    } catch (error) {
      const exists = (error as NodeJS.ErrnoException).code === "EEXIST";
      if (!exists) throw SkillError.from(error, "invalid_input", `"${file}" cannot be written`);
      throw new SkillError("invalid_input", `"${file}" exists already`, { fix: "remove it, or give --out" });
    }
    return { id, version, file, size: bytes.byteLength, digest: digestFiles(files) };
  },
};
