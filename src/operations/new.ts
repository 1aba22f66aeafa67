import { mkdir, readdir, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { z } from "zod";
import { SkillError } from "../base/errors.ts";
import { scaffoldPackage } from "../graph/scaffold.ts";
import { skillIdProblem, suggestSkillId } from "../manifest/skill-id.ts";
import type { Operation } from "./types.ts";

/** Answer of `new`. */
export interface NewPackage {
  readonly package_dir: string;
  readonly id: string;
  readonly files: readonly string[];
}

/** Operation `new`. */
export const createPackage: Operation<
  { dir: string; id?: string | undefined; description: string },
  NewPackage
> = {
  name: "new",
  description: "Write a package to start from",
  mode: "read_write",
  input: z.object({
    dir: z.string().min(1),
    id: z.string().optional().describe("default: the folder's name"),
    description: z.string().trim().min(1).max(1000).default("Says hello"),
  }),
  async handler(_context, { dir, id, description }): Promise<NewPackage> {
    const target = resolve(dir);
    if (await isOccupied(target)) {
      throw new SkillError("conflict", `the folder "${target}" is not empty`, {
        fix: "name a new or empty folder",
      });
    }
    const skillId = id ?? suggestSkillId(basename(target)) ?? basename(target);
    const problem = skillIdProblem(skillId);
    if (problem !== undefined) {
      throw new SkillError("invalid_input", `"${skillId}" cannot be an id: ${problem}`, {
        fix: "give another id",
      });
    }
    const files = scaffoldPackage({ id: skillId, description });
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(target, path)), { recursive: true });
      await writeFile(join(target, path), text, { flag: "wx" });
    }
    return { package_dir: target, id: skillId, files: Object.keys(files) };
  },
};

async function isOccupied(dir: string): Promise<boolean> {
  try {
    return (await readdir(dir)).length > 0;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw new SkillError("invalid_input", `"${dir}" is not a folder that can be used`, { cause: error });
  }
}
