import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { extract } from "tar-stream";
import { SkillError } from "../../base/errors.ts";
import type { PackageBounds, PackageFile } from "../package-files.ts";
import { type ArchiveEntry, collectArchive } from "./archive-entries.ts";

const KINDS: Readonly<Record<string, ArchiveEntry["kind"]>> = { file: "file", directory: "folder" };
/** Headers and padding beside the contents. */
const OVERHEAD = 4 * 1024 * 1024;

/**
 * Reads a package from a tar, compressed by gzip or not.
 *
 * @throws {SkillError} `invalid_package`
 */
export async function readTar(
  bytes: Uint8Array,
  bounds: PackageBounds = {},
): Promise<readonly PackageFile[]> {
  const packed = bytes[0] === 0x1f && bytes[1] === 0x8b;
  const source = Readable.from([bytes]);
  const reader = extract();
  const most = (bounds.maxBytes ?? 16 * 1024 * 1024) + OVERHEAD;
  const feeding = feed(packed ? source.pipe(createGunzip()) : source, reader, most);
  try {
    const files = await collectArchive(entriesOf(reader), bounds);
    await feeding;
    return files;
  } catch (error) {
    throw SkillError.from(error, "invalid_package", "the archive cannot be read");
  } finally {
    reader.destroy(null);
    await feeding.catch(() => {});
  }
}

/** Gives the tar to its reader, and counts: a small file can hold an endless one. */
async function feed(source: Readable, reader: ReturnType<typeof extract>, most: number): Promise<void> {
  let size = 0;
  try {
    for await (const part of source as AsyncIterable<Uint8Array>) {
      size += part.byteLength;
      if (size > most) {
        throw new SkillError("invalid_package", `the archive unpacks to more than ${most} bytes`);
      }
      if (reader.destroyed) return;
      if (!reader.write(part)) await drained(reader);
    }
    reader.end(undefined);
  } catch (error) {
    reader.destroy(error instanceof Error ? error : new Error(String(error)));
  }
}

function drained(reader: ReturnType<typeof extract>): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      reader.off("drain", done).off("close", done);
      resolve();
    };
    reader.on("drain", done).on("close", done);
  });
}

async function* entriesOf(reader: ReturnType<typeof extract>): AsyncGenerator<ArchiveEntry> {
  for await (const entry of reader) {
    const { name, type, mode } = entry.header;
    yield {
      path: name,
      kind: KINDS[type ?? "file"] ?? "other",
      mode,
      content: () => entry as AsyncIterable<Uint8Array>,
    };
    entry.resume();
  }
}
