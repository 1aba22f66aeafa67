import { SkillError } from "../../base/errors.ts";
import { sqliteFailure } from "../../observe/sqlite.ts";

/** What helps against what a file system says, by its code. */
const FIXES: Readonly<Record<string, string>> = {
  ENOSPC: "make room on the disk of the home",
  EDQUOT: "make room in your share of the disk",
  EROFS: "the disk of the home is read-only: make it writable, or choose another home",
  EACCES: "check that you may write to the folder of the home",
  EPERM: "check that you may write to the folder of the home",
  EMFILE: "too many files are open: close some, or raise the limit (ulimit -n)",
  ENFILE: "too many files are open on this machine: end other programs",
  EIO: "the disk reports errors: save what is on it, and check it",
};

/**
 * What SQLite or a file system refused, as an error that callers handle. Anything else is given back as it is.
 *
 * @param subject what could not be read or written, for people
 */
export function homeFailure(error: unknown, subject: string): unknown {
  const failure = sqliteFailure(error);
  if (failure === "busy") {
    return new SkillError("home_busy", `another process holds the lock of "${subject}"`, {
      cause: error,
      fix: "try again when the other process is done",
    });
  }
  if (failure !== undefined) {
    const fix = failure === "corrupt"
      ? "put a backup of home.db in its place; installed builds are not lost"
      : "check free space and permissions of the home";
    return unusable(`"${subject}" cannot be used: ${(error as Error).message}`, fix, error);
  }
  if (!(error instanceof Error) || !("syscall" in error) || SkillError.isInstance(error)) return error;
  const { code = "" } = error as NodeJS.ErrnoException;
  const fix = FIXES[code] ?? "check that its folder exists and that you may write to it";
  return unusable(`the home cannot be used: ${error.message}`, fix, error);
}

/** Does something with the files of a home. @throws {SkillError} for what the file system refuses */
export async function withHomeFiles<T>(action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw homeFailure(error, "home.db");
  }
}

function unusable(message: string, fix: string, cause: unknown): SkillError {
  return new SkillError("home_unusable", message, { cause, fix });
}
