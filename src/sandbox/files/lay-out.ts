import { lstat, realpath } from "node:fs/promises";
import { isAbsolute, normalize } from "node:path";
import { SkillError } from "../../base/errors.ts";
import type { SandboxPolicy, SandboxProgram } from "../types.ts";
import { isWithin, outermost } from "./paths.ts";

/** What a confined program sees of the host's files, apart from the system's own. */
export interface Layout {
  readonly read: readonly string[];
  readonly write: readonly string[];
  /** Device and inode of each granted path as it was looked at: what is there at the start must be the same. */
  readonly identities: Readonly<Record<string, readonly [device: string, inode: string]>>;
}

/**
 * Turns a program and its grants into folders that don't overlap, and looks once more at what may have changed since
 * the grant: a link in its place would lead the kernel elsewhere.
 *
 * @throws {SkillError} `permission_refused` naming the path.
 */
export async function layOut(
  policy: SandboxPolicy,
  program: SandboxProgram,
  trusted: readonly string[],
): Promise<Layout> {
  const identities: Record<string, readonly [string, string]> = {};
  for (const path of [...policy.read, ...policy.write]) identities[path] = await checkUnchanged(path);
  const own = [...trusted, ...program.roots].map(checkRoot);
  const write = outermost(policy.write);
  for (const path of [...own, program.scratch, program.interpreter]) {
    const writable = write.find((folder) => isWithin(path, folder));
    if (writable !== undefined) {
      throw new SkillError(
        "permission_refused",
        `writing to "${writable}" would let the program change "${path}"`,
        {
          fix: "grant a folder that holds data only",
          details: { path: writable },
        },
      );
    }
  }
  // What is readable below a writable folder needs no rule, and a mount there could follow a planted link.
  const read = [...own, ...policy.read].filter((path) => !write.some((folder) => isWithin(path, folder)));
  return { read: outermost(read), write, identities };
}

function checkRoot(path: string): string {
  if (isAbsolute(path) && normalize(path) === path && path !== "/") return path;
  throw new SkillError("permission_refused", `"${path}" cannot be the root of a program`, {
    fix: "give absolute paths of folders, without a separator at the end",
  });
}

async function checkUnchanged(path: string): Promise<readonly [string, string]> {
  const refuse = (found: string) =>
    new SkillError("permission_refused", `the granted path "${path}" ${found}`, {
      fix: "grant it again after looking at what it is now",
      details: { path },
    });
  const real = await realpath(path).catch(() => undefined);
  if (real === undefined) throw refuse("no longer exists");
  if (real !== path) throw refuse(`now leads to "${real}"`);
  const kind = await lstat(path, { bigint: true });
  if (!kind.isDirectory() && !kind.isFile()) throw refuse("is neither a file nor a folder");
  return [String(kind.dev), String(kind.ino)];
}
