import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";

/** A bare repository, filled from a clone beside it. */
export interface BareRepository {
  readonly url: string;
  /** Puts a folder at a path of a branch and gives the commit. */
  push(folder: string, path: string, branch?: string): string;
}

/** Makes an empty bare repository below `folder`; its own HEAD is a branch that never is. */
export function bareRepository(folder: string): BareRepository {
  const bare = join(folder, "remote.git"), work = join(folder, "clone");
  const git = (at: string, ...args: readonly string[]): string => {
    const who = { AUTHOR_NAME: "a", AUTHOR_EMAIL: "a@b", COMMITTER_NAME: "a", COMMITTER_EMAIL: "a@b" };
    const env = {
      PATH: process.env["PATH"],
      HOME: folder,
      GIT_CONFIG_NOSYSTEM: "1",
      ...Object.fromEntries(Object.entries(who).map(([name, value]) => [`GIT_${name}`, value])),
    };
    return execFileSync("git", ["-C", at, ...args], { encoding: "utf8", env }).trim();
  };
  mkdirSync(bare, { recursive: true });
  mkdirSync(work);
  git(bare, "init", "-q", "--bare", "-b", "none");
  git(work, "init", "-q", "-b", "main");
  return {
    url: `file://${bare}`,
    push(from, path, branch = "main") {
      cpSync(from, join(work, path), { recursive: true });
      git(work, "add", ".");
      git(work, "commit", "-qm", "more");
      git(work, "push", "-q", bare, `HEAD:refs/heads/${branch}`);
      return git(work, "rev-parse", "HEAD");
    },
  };
}
