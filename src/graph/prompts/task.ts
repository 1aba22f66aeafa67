/** What a maker is told of one task, around what the caller gave. */
export const TASK_PROMPT: {
  readonly intent: string;
  readonly examples: string;
  readonly heldBack: (count: number) => string;
  readonly candidates: string;
  readonly files: string;
  readonly noFiles: string;
} = {
  intent: "Make a skill for this intent:",
  examples: "It must answer these examples. " +
    'Those without "tool" call default_tool; expected_error means the call must raise; compare approx ' +
    "allows 1e-4 relative, subset allows further keys; files are given below in/, artifacts must be left below out/.",
  heldBack: (count: number): string => `${count} more example(s) are kept for the final test.`,
  candidates:
    "Skills that exist and come near. If the intent is a variant of one, extend it: read its files " +
    "(read_skill_file with skill_id), keep its id and its tools, raise its version. Otherwise take an id of your own.",
  files: "The files now:",
  noFiles: "There are no files yet.",
};
