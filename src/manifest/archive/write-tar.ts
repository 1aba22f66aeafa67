import { gzipSync } from "node:zlib";
import { Buffer } from "node:buffer";
import { pack } from "tar-stream";
import type { PackageFile } from "../package-files.ts";

/** Packs files as `.tar.gz` below one folder. The same files give the same bytes. */
export async function writeTar(files: readonly PackageFile[], top: string): Promise<Uint8Array> {
  const tar = pack();
  for (const { path, executable, bytes } of files) {
    const header = {
      name: `${top}/${path}`,
      mode: executable ? 0o755 : 0o644,
      mtime: new Date(0),
      uid: 0,
      gid: 0,
    };
    tar.entry(header, Buffer.from(bytes));
  }
  tar.finalize();
  const parts: Uint8Array[] = [];
  for await (const part of tar as AsyncIterable<Uint8Array>) parts.push(part);
  return gzipSync(Buffer.concat(parts), { level: 9 });
}
