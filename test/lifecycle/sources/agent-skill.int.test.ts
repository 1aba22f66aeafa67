import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Json } from "../../../src/base/json.ts";
import type { OpenedLibrary } from "../../../src/lifecycle/library.ts";
import { type TestHome, testHome } from "../support/open-home.ts";

let home: TestHome;
let library: OpenedLibrary;
const open = async (): Promise<void> => {
  home = testHome();
  library = await home.open();
};

const SKILL_MD = `---
name: text-stats
description: Count words and lines of texts. Use it for statistics about a text.
license: Apache-2.0
allowed-tools: Bash(python:*)
metadata:
  version: "1.2.0"
---

# Text statistics

Read [the reference](references/notes.md), then run the script.

## Counting
`;

const COUNT = `# /// script
# requires-python = ">=3.9"
# dependencies = []
# ///
"""Counts the words of a text.

More about it.
"""
import argparse
import json

from helper import words


def main():
    parser = argparse.ArgumentParser(description="Counts")
    parser.add_argument("text", help="What is counted")
    parser.add_argument("--at-least", type=int, default=1, help="Shortest word")
    parser.add_argument("--only", nargs="+")
    parser.add_argument("--order", choices=["up", "down"], default="up")
    parser.add_argument("-v", "--verbose", action="count", default=0)
    parser.add_argument("--upper", action="store_true")
    args = parser.parse_args()
    found = [word for word in words(args.text) if len(word) >= args.at_least]
    if args.only:
        found = [word for word in found if word in args.only]
    if args.order == "down":
        found.reverse()
    if args.upper:
        found = [word.upper() for word in found]
    print(json.dumps({"words": found, "verbose": args.verbose}))


if __name__ == "__main__":
    main()
`;

const FOLDER: Readonly<Record<string, string>> = {
  "SKILL.md": SKILL_MD,
  "references/notes.md": "Words are split at spaces.\n",
  "scripts/count.py": COUNT,
  "scripts/helper.py": "def words(text):\n    return text.split()\n",
  "scripts/9-shout.py": "import sys\nprint(sys.stdin.read().upper() + ' '.join(sys.argv[1:]))\n",
  "scripts/fails.py": "import sys\nprint('no luck')\nsys.exit(3)\n",
  "scripts/reach.py":
    "import socket, subprocess\ntry:\n    subprocess.run(['/bin/true'])\n    print('ran')\nexcept OSError as error:\n    print('denied')\n",
  "scripts/run.sh": "echo hello\n",
};

const run = async (tool: string, input: Json = {}): Promise<Json> =>
  (await library.run("text-stats", input, { tool })).value;

describe("an Agent Skills folder that serves", () => {
  beforeAll(async () => {
    await open();
    await library.install(home.write("text-stats", FOLDER), { test: true });
    await library.activate("text-stats");
  });
  afterAll(() => home.close());

  it("becomes a skill with its name, description and version, without any permission", async () => {
    const info = await library.info("text-stats");
    expect(info).toMatchObject({
      id: "text-stats",
      version: "1.2.0",
      status: "active",
      description: "Count words and lines of texts. Use it for statistics about a text.",
      default_tool: "instructions",
      permissions: { network_access: false, file_read: [], file_write: [], process_spawn: false },
    });
    expect(info.tools.map(({ name }) => name)).toEqual([
      "instructions",
      "read_file",
      "run_9_shout",
      "count",
      "fails",
      "reach",
    ]);
    const [document] = await library.documents();
    expect(document?.body).toContain("It covers: Text statistics; Counting");
    expect(await library.check()).toEqual([]);
  });

  it("serves its instructions and files, and no other file", async () => {
    expect(await run("instructions")).toEqual({
      instructions: SKILL_MD.slice(SKILL_MD.indexOf("# Text")).trimEnd(),
      files: [
        "SKILL.md",
        "references/notes.md",
        "scripts/9-shout.py",
        "scripts/count.py",
        "scripts/fails.py",
        "scripts/helper.py",
        "scripts/reach.py",
        "scripts/run.sh",
      ],
    });
    expect(await run("read_file", { path: "references/notes.md" })).toBe("Words are split at spaces.\n");
    for (const path of ["../manifest.toml", "/etc/passwd", "skill.py", "references/../SKILL.md"]) {
      await expect(run("read_file", { path })).rejects.toMatchObject({ code: "tool_failed" });
    }
  });

  it("gives each script a tool with the arguments of its command line", async () => {
    const count = (await library.info("text-stats")).tools.find(({ name }) => name === "count");
    expect(count).toMatchObject({
      description: "Counts the words of a text.",
      input_schema: {
        required: ["text"],
        additionalProperties: false,
        properties: {
          text: { type: "string", description: "What is counted" },
          at_least: { type: "integer", default: 1, description: "Shortest word" },
          only: { type: "array", items: { type: "string" } },
          order: { enum: ["up", "down"], default: "up" },
          verbose: { type: "integer" },
          upper: { type: "boolean" },
        },
      },
    });
    expect(await run("count", { text: "a bb ccc", at_least: 2, order: "down", verbose: 2 })).toEqual({
      words: ["ccc", "bb"],
      verbose: 2,
    });
    expect(await run("count", { text: "a b", only: ["a"] })).toEqual({ words: ["a"], verbose: 0 });
    expect(await run("count", { text: "--upper", upper: true })).toEqual({
      words: ["--UPPER"],
      verbose: 0,
    });
    await expect(run("count", { text: "a", only: ["--upper"] })).rejects.toMatchObject({
      code: "tool_failed",
      message: expect.stringContaining("could be taken for an option"),
    });
    await expect(run("count", { txt: "a" })).rejects.toMatchObject({ code: "invalid_input" });
    await expect(run("count", { text: "a", order: "sideways" })).rejects.toMatchObject({
      code: "invalid_input",
    });
  });

  it("runs a script without argparse with words and standard input, and tells how it ended", async () => {
    expect(await run("run_9_shout", { stdin: "hey ", args: ["you", "-x"] })).toBe("HEY you -x");
    await expect(run("fails")).rejects.toMatchObject({
      code: "tool_failed",
      message: expect.stringContaining("scripts/fails.py ended with 3: no luck"),
    });
    expect(await run("reach")).toBe("denied");
  });
});

describe("an Agent Skills folder", () => {
  beforeEach(open);
  afterEach(() => home.close());

  it("is told what leaves the specification and what is not run, and is the same skill from the home", async () => {
    const folder = home.write("text-stats", FOLDER);
    const report = await library.validate(folder);
    expect(report.ok).toBe(true);
    expect(report.findings.map(({ rule, file }) => `${rule} ${file}`)).toEqual(expect.arrayContaining([
      "agent-skill/specification SKILL.md",
      "agent-skill/not-python scripts/run.sh",
      "security/process scripts/reach.py",
    ]));
    expect(report.findings.filter(({ file }) => file === "skill.py")).toEqual([]);
    const first = await library.install(folder);
    expect(readFileSync(join(home.dir, "text-stats/SKILL.md"), "utf8")).toBe(SKILL_MD);
    expect((await library.install("text-stats")).candidate?.digest).toBe(first.candidate?.digest);
  });

  it("is refused with file and line when SKILL.md or a script cannot be read", async () => {
    const wrong = home.write("wrong", { "SKILL.md": "---\nname: wrong\n---\n" });
    await expect(library.install(wrong)).rejects.toMatchObject({
      code: "invalid_manifest",
      message: 'SKILL.md: the field "description" is missing',
    });
    expect(await library.validate(wrong)).toMatchObject({ ok: false, findings: [{ severity: "error" }] });
    const broken = home.write("broken", { ...FOLDER, "scripts/count.py": "def f(:\n" });
    await expect(library.install(broken)).rejects.toMatchObject({
      code: "invalid_script",
      details: { file: "scripts/count.py", line: 1 },
    });
    expect(await library.list()).toEqual([]);
  });

  it("has an id although its name has no letter of one, and tools whatever its scripts are called", async () => {
    const files = {
      "SKILL.md": "---\nname: 技能\ndescription: Says hello\n---\nBody\n",
      "scripts/import.py": "print(1)\n",
      "scripts/sub/instructions.py": "print(2)\n",
      "scripts/instructions.py": "print(3)\n",
    };
    const { id, tools } = await library.install(home.write("技能", files));
    expect(id).toMatch(/^skill_[0-9a-f]{8}$/);
    expect(tools.map(({ name }) => name)).toEqual([
      "instructions",
      "read_file",
      "run_import",
      "instructions_2",
      "sub_instructions",
    ]);
    await library.activate(id);
    expect((await library.run(id, {}, { tool: "instructions_2" })).value).toBe(3);
  });
});
