/**
 * What making a skill costs without the model's time, in multiples of one sandboxed start (to the first answer, and its
 * end) that takes turns with it in the same run: from the intent to the active skill, through validation, tests,
 * approval and installation, no dependencies; the same where the maker tries its version first; one round of repair.
 * `--json` ends with one object: milliseconds, and ratios (`*_vs_start`).
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { measureMaking } from "./making/measure-making.ts";

const folder = mkdtempSync(join(tmpdir(), "skillwright-bench-"));
try {
  const result = await measureMaking(folder, 15);
  if (process.argv.includes("--json")) console.log(JSON.stringify(result));
  else console.table(result);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
