import { SkillError } from "../../base/errors.ts";
import { PackageCollector } from "../package-collector.ts";
import { type PackageBounds, type PackageFile, SKIPPED_NAMES } from "../package-files.ts";

/** An entry of an archive as its reader found it: nothing of it is believed. */
export interface ArchiveEntry {
  readonly path: string;
  /** `other`: links, devices, FIFOs and what a reader does not know. */
  readonly kind: "file" | "folder" | "other";
  /** Permission bits, as far as the format has them. */
  readonly mode: number;
  readonly content: () => AsyncIterable<Uint8Array>;
}

/** Entries of all kinds together, for one file that is taken. */
const ENTRIES_PER_FILE = 4;

/**
 * Makes a package of an archive's entries, in memory: nothing is written before all of it was looked at. A folder that
 * holds everything (`word_count-1.0.0/…`) is taken off.
 *
 * @throws {SkillError} `invalid_package` for a path that leads out, a link, a device, a set-user-ID bit, a name that
 * occurs twice or differs in case only, and for more or larger files than the bounds: counted while they are unpacked
 */
export async function collectArchive(
  entries: AsyncIterable<ArchiveEntry>,
  bounds: PackageBounds = {},
): Promise<readonly PackageFile[]> {
  const collector = new PackageCollector(bounds);
  let left = ENTRIES_PER_FILE * (bounds.maxFiles ?? 512);
  for await (const entry of entries) {
    if (left-- <= 0) throw refused("it", "has too many entries", "Leave out what the skill doesn't need");
    const path = checkedPath(entry);
    if (path === "" || path.split("/").some((part) => SKIPPED_NAMES.has(part))) continue;
    if (entry.kind === "folder") continue;
    collector.name(path);
    collector.expect();
    const executable = (entry.mode & 0o100) !== 0;
    collector.add({ path, executable, bytes: await bytesOf(entry, collector, path) });
  }
  return withoutTop(collector.files);
}

async function bytesOf(entry: ArchiveEntry, collector: PackageCollector, path: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of entry.content()) {
    size += part.byteLength;
    if (size > collector.bytesLeft) throw collector.tooLarge(path);
    parts.push(part);
  }
  const bytes = new Uint8Array(size);
  parts.reduce((at, part) => (bytes.set(part, at), at + part.byteLength), 0);
  return bytes;
}

/** The path below the archive, without `./` and a final `/`. */
function checkedPath({ path, kind, mode }: ArchiveEntry): string {
  const shown = JSON.stringify(path.slice(0, 200));
  if (kind === "other") throw refused(shown, "is neither a file nor a folder", "Put the file itself there");
  if ((mode & 0o7000 & ~0o1000) !== 0 && kind === "file") {
    throw refused(shown, `has a set-ID bit (mode ${(mode & 0o7777).toString(8)})`, "Take the bit away");
  }
  const plain = path.replace(/^(\.\/)+/, "").replace(/\/$/, "");
  if (plain === "." || plain === "") return "";
  const parts = plain.split("/");
  if (
    plain.startsWith("/") || /^[A-Za-z]:/.test(plain) || parts.some((part) => ["", ".", ".."].includes(part))
  ) {
    throw refused(shown, "leads out of the archive", "Pack the skill's folder by its own name");
  }
  return plain;
}

function withoutTop(files: readonly PackageFile[]): readonly PackageFile[] {
  const [first] = files;
  const top = first?.path.split("/")[0] ?? "";
  if (!files.every(({ path }) => path.startsWith(`${top}/`))) return files;
  return files.map((file) => ({ ...file, path: file.path.slice(top.length + 1) }));
}

function refused(what: string, reason: string, fix: string): SkillError {
  return new SkillError("invalid_package", `the archive is refused: ${what} ${reason}`, { fix });
}
