import { closeSync, constants, openSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";

/**
 * A folder that is held open while it is used: paths built by `at` stay inside it even when somebody replaces the
 * folder, or one above it, by a link meanwhile. Elsewhere than on Linux it is the plain path.
 */
export class PinnedFolder {
  readonly #fd: number;
  readonly #base: string;

  /** @throws when `path` is a link or no folder */
  constructor(path: string) {
    this.#fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    this.#base = process.platform === "linux" ? `/proc/self/fd/${this.#fd}` : path;
  }

  /** The path of the folder itself, or of an entry in it. The entry itself may be a link. */
  at(name = ""): string {
    return join(this.#base, name);
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/** Opens a folder for the length of `action`. */
export async function withFolder<Result>(
  path: string,
  action: (folder: PinnedFolder) => Promise<Result>,
): Promise<Result> {
  const folder = new PinnedFolder(path);
  try {
    return await action(folder);
  } finally {
    folder.close();
  }
}
