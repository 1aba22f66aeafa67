import { Buffer } from "node:buffer";
import { type Entry, fromBuffer, type ZipFile } from "yauzl";
import { SkillError } from "../../base/errors.ts";
import type { PackageBounds, PackageFile } from "../package-files.ts";
import { type ArchiveEntry, collectArchive } from "./archive-entries.ts";

const FILE_TYPE = 0o170000;
const FOLDER = 0o040000;
const FILE = 0o100000;

/**
 * Reads a package from a zip.
 *
 * @throws {SkillError} `invalid_package`
 */
export async function readZip(
  bytes: Uint8Array,
  bounds: PackageBounds = {},
): Promise<readonly PackageFile[]> {
  let zip: ZipFile | undefined;
  try {
    zip = await openZip(bytes);
    return await collectArchive(entriesOf(zip), bounds);
  } catch (error) {
    throw SkillError.from(error, "invalid_package", "the archive cannot be read");
  } finally {
    zip?.close();
  }
}

function openZip(bytes: Uint8Array): Promise<ZipFile> {
  const options = { lazyEntries: true, strictFileNames: true, validateEntrySizes: true, autoClose: false };
  return new Promise((resolve, reject) => {
    fromBuffer(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), options, (error, zip) => {
      if (error) reject(error);
      else resolve(zip);
    });
  });
}

async function* entriesOf(zip: ZipFile): AsyncGenerator<ArchiveEntry> {
  for (;;) {
    const entry = await nextEntry(zip);
    if (entry === undefined) return;
    const mode = entry.externalFileAttributes >>> 16;
    yield { path: entry.fileName, kind: kindOf(entry, mode), mode, content: () => contentOf(zip, entry) };
  }
}

/** Without type bits, from a system that has none, the name tells. */
function kindOf(entry: Entry, mode: number): ArchiveEntry["kind"] {
  const folder = entry.fileName.endsWith("/");
  const type = mode & FILE_TYPE;
  if (type === 0) return folder ? "folder" : "file";
  if (type === FOLDER && folder) return "folder";
  return type === FILE && !folder ? "file" : "other";
}

function nextEntry(zip: ZipFile): Promise<Entry | undefined> {
  return new Promise((resolve, reject) => {
    const settle = (done: () => void) => {
      zip.off("entry", found).off("end", ended).off("error", failed);
      done();
    };
    const found = (entry: Entry) => settle(() => resolve(entry));
    const ended = () => settle(() => resolve(undefined));
    const failed = (error: Error) => settle(() => reject(error));
    zip.on("entry", found).on("end", ended).on("error", failed);
    zip.readEntry();
  });
}

async function* contentOf(zip: ZipFile, entry: Entry): AsyncGenerator<Uint8Array> {
  if (entry.isEncrypted()) {
    throw new SkillError("invalid_package", `the archive is refused: "${entry.fileName}" is encrypted`);
  }
  const stream = await new Promise<AsyncIterable<Uint8Array>>((resolve, reject) => {
    zip.openReadStream(entry, (error, opened) => {
      if (error) return reject(error);
      // Who reads it learns of its error; a second one, behind that, must not end the host.
      opened.on("error", () => {});
      resolve(opened);
    });
  });
  yield* stream;
}
