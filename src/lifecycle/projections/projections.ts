import { Buffer } from "node:buffer";
import { chmod, lstat, readFile, readlink, rm, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { madeIn, writeFileAtomic } from "../../base/atomic-file.ts";
import { sha256 } from "../../base/digest.ts";
import type { Finding } from "../../manifest/types.ts";
import { ownedName } from "../storage/leases.ts";

/** How one path of the home must look. Bringing it about twice changes nothing. */
export type Projected =
  | { readonly kind: "folder"; readonly path: string }
  | { readonly kind: "link"; readonly path: string; readonly target: string }
  | {
    readonly kind: "file";
    readonly path: string;
    readonly bytes: string | Uint8Array;
    /** Default 0o644. */
    readonly mode?: number;
    /** Whether bytes found there, by their SHA-256, were written by us. Absent: the path is ours whatever it holds. */
    readonly ours?: (digest: string) => boolean;
  }
  | { readonly kind: "absent"; readonly path: string; readonly ours?: (digest: string) => boolean };

/** What bringing a path about did. */
export type ProjectionResult = "unchanged" | "written" | "drift";

/** Where paths are brought about. */
export interface ProjectionPlace {
  /** A folder for files that are not finished; what a dead process left in it is collected. */
  readonly staging: string;
  /** Gets the folders whose entries changed: they are to be synced. */
  readonly changed: Set<string>;
}

/** Brings one path about. A file that somebody edited stays as it is: `drift`. */
export async function projectPath(wanted: Projected, place: ProjectionPlace): Promise<ProjectionResult> {
  const result = await bringAbout(wanted, place);
  if (result === "written") place.changed.add(dirname(wanted.path));
  return result;
}

async function bringAbout(wanted: Projected, place: ProjectionPlace): Promise<ProjectionResult> {
  if (wanted.kind === "folder") return await projectFolder(wanted.path, place);
  if (wanted.kind === "link") return await projectLink(wanted.path, wanted.target, place);
  if (wanted.kind === "file") return await projectFile(wanted, place);
  return await projectAbsence(wanted.path, wanted.ours);
}

async function makeRoom({ changed }: ProjectionPlace, folder: string): Promise<void> {
  for (const one of await madeIn(folder)) changed.add(one);
}

/** The finding for an edited file. */
export function driftFinding(path: string): Finding {
  return {
    severity: "warning",
    rule: "home/drift",
    message: `"${path}" was edited: it is not what is installed, and was left as it is`,
    fix: "install the edited package, or delete the file to get the installed one back",
    file: path,
  };
}

async function projectFolder(path: string, place: ProjectionPlace): Promise<ProjectionResult> {
  const found = await kindOf(path);
  if (found === "folder") return "unchanged";
  if (found !== "nothing") await rm(path, { force: true });
  await makeRoom(place, path);
  return "written";
}

async function projectLink(path: string, target: string, place: ProjectionPlace): Promise<ProjectionResult> {
  const found = await kindOf(path);
  if (found === "link" && await readlink(path) === target) return "unchanged";
  if (found !== "nothing") await rm(path, { recursive: true, force: true });
  await makeRoom(place, dirname(path));
  await symlink(target, path);
  return "written";
}

async function projectFile(
  { path, bytes, mode = 0o644, ours }: Extract<Projected, { readonly kind: "file" }>,
  place: ProjectionPlace,
): Promise<ProjectionResult> {
  const found = await kindOf(path);
  if (found === "file") {
    const there = await readFile(path);
    if (there.equals(Buffer.from(bytes))) return await hasMode(path, mode) ? "unchanged" : "written";
    if (ours?.(sha256(there)) === false) return "drift";
  } else if (found !== "nothing") {
    if (ours !== undefined) return "drift";
    await rm(path, { recursive: true, force: true });
  }
  await makeRoom(place, dirname(path));
  await makeRoom(place, place.staging);
  const temporary = join(place.staging, await ownedName());
  await writeFileAtomic(path, bytes, { mode, temporary, durable: false });
  return "written";
}

async function projectAbsence(
  path: string,
  ours: ((digest: string) => boolean) | undefined,
): Promise<ProjectionResult> {
  const found = await kindOf(path);
  if (found === "nothing") return "unchanged";
  if (ours !== undefined && (found !== "file" || !ours(sha256(await readFile(path))))) return "drift";
  await rm(path, { recursive: true, force: true });
  return "written";
}

/** Takes rights away that others got since. @returns whether there was nothing to take */
async function hasMode(path: string, mode: number): Promise<boolean> {
  if (((await lstat(path)).mode & 0o777 & ~mode) === 0) return true;
  await chmod(path, mode);
  return false;
}

async function kindOf(path: string): Promise<"nothing" | "file" | "folder" | "link"> {
  try {
    const stat = await lstat(path);
    return stat.isSymbolicLink() ? "link" : stat.isDirectory() ? "folder" : "file";
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "nothing";
    throw error;
  }
}
