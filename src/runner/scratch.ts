import { randomUUID } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";

/** The folder that one process works in, while it lives. */
export interface Scratch {
  readonly root: string;
  readonly in: string;
  readonly out: string;
  /** Removes it. Never throws. */
  remove(): Promise<void>;
}

/** Makes a scratch folder of its own below `parent`, for this user only. */
export async function makeScratch(parent: string): Promise<Scratch> {
  const root = join(parent, `run-${process.pid}-${randomUUID()}`);
  const folders = { root, in: join(root, "in"), out: join(root, "out") };
  await mkdir(folders.in, { recursive: true, mode: 0o700 });
  await mkdir(folders.out, { mode: 0o700 });
  return {
    ...folders,
    remove: () => rm(root, { recursive: true, force: true, maxRetries: 3, retryDelay: 20 }).catch(() => {}),
  };
}
