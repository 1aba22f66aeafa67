import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

/** Runs a benchmark in a folder of its own, which is removed, and prints its figures: with `--json` as one object. */
export async function benchmark(
  run: (folder: string) => Promise<Readonly<Record<string, number | string>>>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "skillwright-bench-"));
  try {
    const figures = await run(folder);
    if (process.argv.includes("--json")) console.log(JSON.stringify(figures));
    else console.table(figures);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
