import { randomBytes } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { removeTree } from "../../base/remove-tree.ts";
import { EmptyFolder } from "./empty-folder.ts";

/** How long a folder may take to be removed that could not be removed at once. */
const REMOVE_MS = 10_000;

/** The folder that one process works in, while it lives. */
export interface Scratch {
  readonly root: string;
  readonly in: string;
  readonly out: string;
  /** Whether nothing is in `out`. Takes microseconds. */
  isOutEmpty(): boolean;
  /** Removes it. Never throws. */
  remove(): Promise<void>;
}

/** Where scratch folders are made: a `HostFolder`, or a folder of the caller's. */
export interface ScratchRoot {
  path(): Promise<string>;
  close(): Promise<void>;
}

/** A folder that the caller chose and removes. */
export function givenRoot(path: string): ScratchRoot {
  return { path: () => Promise.resolve(path), close: () => Promise.resolve() };
}

/** Makes a scratch folder of its own below `parent`, for this user only. */
export async function makeScratch(parent: ScratchRoot): Promise<Scratch> {
  const root = join(await parent.path(), `run-${randomBytes(6).toString("hex")}`);
  const folders = { root, in: join(root, "in"), out: join(root, "out") };
  await mkdir(folders.in, { recursive: true, mode: 0o700 });
  await mkdir(folders.out, { mode: 0o700 });
  const out = new EmptyFolder(folders.out);
  return {
    ...folders,
    isOutEmpty: () => out.isEmpty(),
    remove: () => {
      out.close();
      return remove(root);
    },
  };
}

async function remove(root: string): Promise<void> {
  try {
    await rm(root, { recursive: true, force: true, maxRetries: 3, retryDelay: 20 });
  } catch {
    // A program closed a folder of its own to everybody, or a straggler still wrote.
    await removeTree(root, performance.now() + REMOVE_MS);
  }
}
