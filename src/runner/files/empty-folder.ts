import { closeSync, fstatSync, lstatSync, openSync, readdirSync, type Stats } from "node:fs";

/** A folder's own size grows with its entries: above this it holds thousands and is not even listed. */
export const MAX_FOLDER_BYTES: number = 1 << 18;
/** After so long a change gets another time: where the clock of files ticks with the kernel's, and in whole seconds. */
const SETTLED_MS = 100, SETTLED_SECONDS_MS = 2_000;

/**
 * A folder that is empty after most calls. It is listed only when it may have changed: the `ctime` of what was opened
 * here moves with every entry that comes or goes and when it is moved itself, and no program can set it. To ask an
 * open folder takes half the time that asking by path takes.
 */
export class EmptyFolder {
  readonly #path: string;
  #fd: number | undefined;
  /** When it last changed, if it was empty then and stayed so for long enough; milliseconds. */
  #emptySince: number | undefined;

  constructor(path: string) {
    this.#path = path;
    this.#fd = openSync(path, "r");
  }

  /**
   * Whether it is empty; when it is too large to look into, a link, or gone, it is not. Synchronous, because it stands
   * in the way of every call and takes microseconds.
   */
  isEmpty(): boolean {
    if (this.#fd === undefined) return false;
    try {
      const stat = fstatSync(this.#fd);
      if (this.#emptySince === stat.ctimeMs && stat.nlink > 0) return true;
      const empty = this.#isSame(this.#fd) && stat.size <= MAX_FOLDER_BYTES &&
        readdirSync(this.#path).length === 0;
      this.#emptySince = empty && isSettled(stat) ? stat.ctimeMs : undefined;
      return empty;
    } catch {
      return false;
    }
  }

  /** From now on it is not empty. May be called twice. */
  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  /** Whether the path still leads to what was opened. */
  #isSame(fd: number): boolean {
    const { ino, dev } = fstatSync(fd, { bigint: true }), found = lstatSync(this.#path, { bigint: true });
    return found.ino === ino && found.dev === dev;
  }
}

/** Whether a change from now on would show in the time. */
function isSettled({ ctimeMs }: Stats): boolean {
  const isFine = ctimeMs % 1000 !== 0;
  return Date.now() - ctimeMs > (isFine ? SETTLED_MS : SETTLED_SECONDS_MS);
}
