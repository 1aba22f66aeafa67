import { createHash } from "node:crypto";
import { lstat, readdir, readFile, readlink } from "node:fs/promises";
import { join, relative, sep } from "node:path";

/** SHA-256 in lower-case hexadecimal, 64 characters. */
export function sha256(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

/** One file as it enters a digest. */
export interface DigestEntry {
  /** Path below the root, with `/`. */
  readonly path: string;
  readonly executable: boolean;
  readonly bytes: string | Uint8Array;
}

/** The digest of a set of files, and of each. */
export interface TreeDigest {
  readonly digest: string;
  /** SHA-256 of the bytes alone, by path. */
  readonly files: Readonly<Record<string, string>>;
}

/** The digest of a set of files: SHA-256 over sorted path, mode and bytes. The order of `entries` does not matter. */
export function digestFiles(entries: readonly DigestEntry[]): string {
  return digestEach(entries).digest;
}

function digestEach(entries: readonly DigestEntry[]): TreeDigest {
  const hash = createHash("sha256");
  const files: Record<string, string> = {};
  for (const entry of entries.toSorted((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))) {
    const own = files[entry.path] = sha256(entry.bytes);
    hash.update(`${entry.path}\0${entry.executable ? "x" : "-"}\0${own}\n`);
  }
  return { digest: hash.digest("hex"), files };
}

/** The digest of all regular files and links below `root`; a link counts with its target, not what it points at. */
export async function digestTree(root: string): Promise<string> {
  return (await digestTreeFiles(root)).digest;
}

/** Like `digestTree`, with the digest of each file, of the same bytes. */
export async function digestTreeFiles(root: string): Promise<TreeDigest> {
  const entries: DigestEntry[] = [];
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    const full = join(entry.parentPath, entry.name);
    const path = relative(root, full).split(sep).join("/");
    if (entry.isSymbolicLink()) {
      entries.push({ path, executable: false, bytes: `-> ${await readlink(full)}` });
    } else if (entry.isFile()) {
      const { mode } = await lstat(full);
      entries.push({ path, executable: (mode & 0o100) !== 0, bytes: await readFile(full) });
    }
  }
  return digestEach(entries);
}
