import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A file system of its own, in memory. */
export interface SmallDisk {
  readonly dir: string;
  /** Leaves room for so many bytes and no more. */
  leave(bytes: number): void;
  /** Makes room again. */
  clear(): void;
  setReadOnly(readOnly: boolean): void;
  /** Ends it, with all that is on it. */
  [Symbol.dispose](): void;
}

/** Makes a small disk. @throws when this user may not mount */
export function smallDisk(bytes: number): SmallDisk {
  const dir = mkdtempSync(join(tmpdir(), "skillwright-disk-")), filler = join(dir, "filler");
  mount("-t", "tmpfs", "-o", `size=${bytes}`, "none", dir);
  return {
    dir,
    leave(room) {
      rmSync(filler, { force: true });
      const { bavail, bsize } = statfsSync(dir);
      writeFileSync(filler, new Uint8Array(Math.max(0, bavail * bsize - room)));
    },
    clear() {
      rmSync(filler, { force: true });
    },
    setReadOnly(readOnly) {
      mount("-o", `remount,${readOnly ? "ro" : "rw"}`, dir);
    },
    [Symbol.dispose]() {
      execFileSync("umount", ["-l", dir], { stdio: "pipe" });
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Why there can be no small disk here, or undefined. */
export function withoutSmallDisk(): string | undefined {
  try {
    smallDisk(1 << 20)[Symbol.dispose]();
    return undefined;
  } catch (error) {
    return `no disk can be mounted here: ${(error as Error).message.trim().split("\n")[0]}`;
  }
}

function mount(...args: readonly string[]): void {
  execFileSync("mount", args, { stdio: "pipe" });
}
