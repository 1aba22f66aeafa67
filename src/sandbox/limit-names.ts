/**
 * Every limit that a call can hit, with what it bounds. The list is closed. An error names one in `details.limit`; with
 * `details.claimed` it is the program that says so, and nobody else saw it: good for a text, not for a decision.
 */
export const LIMIT_NAMES = {
  memory: "memory of the program, and of all that it started",
  cpu: "processor seconds",
  time: "wall time of a call",
  file_size: "size of one file",
  scratch_total: "size and number of all files in the working folder",
  disk_io: "bytes read from and written to disk during a call",
  processes: "processes and threads",
  open_files: "open files",
  output: "length of an answer",
} as const;

/** A limit of the closed list `LIMIT_NAMES`. */
export type LimitName = keyof typeof LIMIT_NAMES;
