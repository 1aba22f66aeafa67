import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createEnvironments } from "../../../src/environment/create-environments.ts";
import { type OpenedLibrary, openLibrary } from "../../../src/lifecycle/library.ts";
import type { OpenHomeOptions } from "../../../src/lifecycle/home/home.ts";
import { createRunner } from "../../../src/runner/runner.ts";
import type { Runner, RunnerLimits } from "../../../src/runner/types.ts";
import { createSandbox } from "../../../src/sandbox/create-sandbox.ts";

/** A folder of this test, with a library in it that stands on the real sandbox, interpreter and runner. */
export interface TestHome {
  /** Holds the home as `home`, and what else a test writes. */
  readonly folder: string;
  readonly dir: string;
  readonly runner: Runner;
  /** Opens the home; every library is closed at the end. */
  open(options?: Partial<OpenHomeOptions>): Promise<OpenedLibrary>;
  /** Writes a package and gives its folder. */
  write(name: string, files: Readonly<Record<string, string>>): string;
  close(): Promise<void>;
}

// One for all homes of a file: what they find out of the machine is found out once.
const sandbox = createSandbox();
const environments = createEnvironments();

/** Makes a folder for a test. */
export function testHome(limits: Partial<RunnerLimits> = {}): TestHome {
  const folder = mkdtempSync(join(tmpdir(), "skillwright-lifecycle-"));
  const dir = join(folder, "home");
  const runner = createRunner({ sandbox, scratchRoot: join(folder, "scratch"), limits });
  const opened: OpenedLibrary[] = [];
  return {
    folder,
    dir,
    runner,
    async open(options = {}) {
      const library = await openLibrary({ dir, trusted: true, environments, runner, ...options });
      opened.push(library);
      return library;
    },
    write(name, files) {
      const root = join(folder, name);
      rmSync(root, { recursive: true, force: true });
      for (const [path, text] of Object.entries(files)) {
        mkdirSync(dirname(join(root, path)), { recursive: true });
        writeFileSync(join(root, path), text);
        chmodSync(join(root, path), 0o644);
      }
      return root;
    },
    async close() {
      for (const library of opened) await library.close();
      await runner.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The files of a skill that turns a number into a Roman numeral. `version` stands in what it answers, where `tell` is called. */
export function romanSkill(
  version = "1.0.0",
  extra: Readonly<Record<string, string>> = {},
): Record<string, string> {
  return {
    "manifest.toml": `id = "roman"
name = "Roman numerals"
version = "${version}"
description = "Convert integers to Roman numerals"
triggers = ["what is 1994 in roman numerals"]
default_tool = "to_roman"

[[tools]]
name = "to_roman"
description = "Integer to Roman numeral"
input_schema = { type = "object", properties = { number = { type = "integer", minimum = 1 } }, required = ["number"] }
output_schema = { type = "string" }

[[tools]]
name = "tell"
`,
    "skill.py": `# /// script
# requires-python = ">=3.9"
# dependencies = []
# ///

NUMERALS = [(1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"), (40, "XL"),
            (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")]


def to_roman(number: int) -> str:
    text = ""
    for value, numeral in NUMERALS:
        text += numeral * (number // value)
        number %= value
    return text


def tell() -> str:
    """Which version answers."""
    return "${version}"
`,
    "tests/examples.jsonl":
      `{"input": {"number": 1994}, "expected": "MCMXCIV"}\n{"input": {"number": 4}, "expected": "IV"}\n`,
    ...extra,
  };
}
