/**
 * What making a skill costs without the model's time, in multiples of one sandboxed start (to the first answer, and its
 * end) that takes turns with it in the same run: from the intent to the active skill, through validation, tests,
 * approval and installation, no dependencies; the same where the maker tries its version first; one round of repair.
 * `--json` ends with one object: milliseconds, and ratios (`*_vs_start`).
 */
import { benchmark } from "./benchmark.ts";
import { measureMaking } from "./making/measure-making.ts";

await benchmark((folder) => measureMaking(folder, 15));
