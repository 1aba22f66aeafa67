// Prints how much of test/requirements.json is proven. `--milestone NAME` lists the rows of one milestone that no test
// proves yet, `--paper NAME` those of one paper, `--json` prints the counts as one JSON document.
import { readFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { z } from "zod";

const PAPERS = ["runner", "lifecycle", "runtime", "generator", "design-v2"] as const;
const MILESTONES = ["main-path", "runner", "lifecycle", "making", "discovery", "later"] as const;

/** One thing that must work, and what proves it or will bring it. */
export interface Requirement {
  /** Stable: paper, task, number. */
  readonly id: string;
  readonly paper: (typeof PAPERS)[number];
  readonly task: string;
  /** What must be true, in our own words. */
  readonly requirement: string;
  /** What would have to be taken out, or be wrong, for the test to fail. */
  readonly guard: string;
  /** `test/part/file.test.ts > name of the test`: proven there. */
  readonly test?: string | undefined;
  /** The step that brings it; a row without a test has one. */
  readonly milestone?: (typeof MILESTONES)[number] | undefined;
}

const Row: z.ZodType<Requirement> = z.strictObject({
  id: z.string().regex(/^(runner|lifecycle|runtime|generator|v2)-\d+-\d+$/),
  paper: z.enum(PAPERS),
  task: z.string().min(1),
  requirement: z.string().min(1),
  guard: z.string().min(1),
  test: z.string().regex(/^test\/[\w./-]+\.test\.ts > \S/).optional(),
  milestone: z.enum(MILESTONES).optional(),
}).refine((row) => row.test !== undefined || row.milestone !== undefined, "neither a test nor a milestone");

/** How many rows there are, and how many of them a test proves. */
export interface Progress {
  readonly rows: number;
  readonly proven: number;
}

/** The rows of test/requirements.json, checked. @throws {z.ZodError} naming the row that is not well-formed */
export function readRequirements(): readonly Requirement[] {
  const path = fileURLToPath(new URL("../test/requirements.json", import.meta.url));
  const file = z.strictObject({ requirements: z.array(Row) });
  return file.parse(JSON.parse(readFileSync(path, "utf8"))).requirements;
}

/** Progress by the value of one field; rows without the field count as "none". */
export function progressBy(
  rows: readonly Requirement[],
  field: "paper" | "milestone",
): Readonly<Record<string, Progress>> {
  const names = [...(field === "paper" ? PAPERS : MILESTONES), "none"];
  const counted = names.map((name) => {
    const of = rows.filter((row) => (row[field] ?? "none") === name);
    return [name, { rows: of.length, proven: of.filter((row) => row.test !== undefined).length }] as const;
  });
  return Object.fromEntries(counted.filter(([, progress]) => progress.rows > 0));
}

/** One line a name: `main-path     12 of 234 proven`. */
export function table(progress: Readonly<Record<string, Progress>>): string {
  return Object.entries(progress)
    .map(([name, { rows, proven }]) => `${name.padEnd(10)} ${String(proven).padStart(4)} of ${rows} proven`)
    .join("\n");
}

function main(): void {
  const { values } = parseArgs({
    options: { milestone: { type: "string" }, paper: { type: "string" }, json: { type: "boolean" } },
  });
  const rows = readRequirements();
  if (values.milestone !== undefined || values.paper !== undefined) {
    const open = rows.filter((row) =>
      row.test === undefined &&
      (values.milestone === undefined || row.milestone === values.milestone) &&
      (values.paper === undefined || row.paper === values.paper)
    );
    for (const row of open) process.stdout.write(`${row.id}  ${row.requirement}\n`);
    return;
  }
  const papers = progressBy(rows, "paper");
  const milestones = progressBy(rows, "milestone");
  const text = values.json === true
    ? JSON.stringify({ rows: rows.length, papers, milestones })
    : `${table(papers)}\n\n${table(milestones)}`;
  process.stdout.write(`${text}\n`);
}

if (import.meta.main) main();
