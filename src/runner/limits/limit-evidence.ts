import { SkillError } from "../../base/errors.ts";
import type { Json } from "../../base/json.ts";
import type { LimitName } from "../../sandbox/limit-names.ts";

/** What a program says of a limit that it hit. It may be made up: it goes into the error and decides nothing. */
export interface LimitClaim {
  readonly limit: LimitName;
  readonly claimed: true;
}

/** The error of a limit that the host, or the kernel, saw being hit. */
export function limitError(
  what: string,
  limit: LimitName,
  details: Readonly<Record<string, unknown>>,
): SkillError {
  return new SkillError("limit_exceeded", `${what} went over its limit "${limit}"`, {
    fix: LIMIT_FIXES[limit],
    details: { ...details, limit },
  });
}

/** What a claim adds to the text of an error: nothing when there is none. */
export function claimText(claim: LimitClaim | undefined): string {
  return claim === undefined ? "" : ` (it says that it reached its limit "${claim.limit}")`;
}

/** The limit that the data of an error answer speaks of: its exception, and that one's number. */
export function claimedInAnswer(data: Json | undefined): LimitClaim | undefined {
  if (typeof data !== "object" || data === null || Array.isArray(data)) return undefined;
  const { exception, errno } = data as { readonly [key: string]: Json };
  if (exception === "MemoryError") return claim("memory");
  return typeof errno === "number" ? claim(NUMBERS.get(errno)) : undefined;
}

/** The limit that the last line which a program printed before its end speaks of. */
export function claimedInLog(line: string): LimitClaim | undefined {
  if (/^MemoryError\b/.test(line)) return claim("memory");
  if (/^RuntimeError: can't start new thread\b/.test(line)) return claim("processes");
  const [, number] = /^\w*Error: \[Errno (\d{1,3})\]/.exec(line) ?? [];
  return number === undefined ? undefined : claim(NUMBERS.get(Number(number)));
}

/** A claim of a limit, if it is one. */
export function claim(limit: LimitName | undefined): LimitClaim | undefined {
  return limit === undefined ? undefined : { limit, claimed: true };
}

/** Linux's numbers of the errors that a limit leads to. */
const NUMBERS: ReadonlyMap<number, LimitName> = new Map([
  [11, "processes"],
  [12, "memory"],
  [24, "open_files"],
  [27, "file_size"],
  [28, "scratch_total"],
]);

const NARROWER = "do less at a time, or raise";

/** What helps when a limit is hit. */
export const LIMIT_FIXES: Readonly<Record<LimitName, string>> = {
  memory: `${NARROWER} security.resource_limits.max_memory_mb`,
  cpu: `${NARROWER} security.resource_limits.max_execution_time`,
  time: `${NARROWER} security.resource_limits.max_execution_time`,
  file_size: "write smaller files, or raise security.resource_limits.max_file_size_mb",
  scratch_total:
    "keep fewer files, or raise security.resource_limits.max_file_size_mb: the total is four times that",
  disk_io: `${NARROWER} security.resource_limits.max_disk_io_mb`,
  processes: "start fewer processes and threads at a time",
  open_files: "close files that are no longer needed",
  output: "answer less, or leave large results as files in out/",
};
