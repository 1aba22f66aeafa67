import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { allCommands } from "../src/cli/commands.ts";
import { readManifest } from "../src/manifest/manifest.ts";
import { parseScriptMetadata } from "../src/manifest/pep723.ts";
import { docBlocks, documents } from "./docs-blocks.ts";

const COMMANDS = await allCommands();

const root = new URL("../", import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), "utf8");

test("every TOML block with an id is a manifest without a hint", () => {
  const manifests = docBlocks("toml").filter(({ text }) => /^id = /m.test(text));
  expect(manifests.length).toBeGreaterThan(0);
  for (const { file, line, text } of manifests) {
    expect({ file, line, ...readManifest(text) }).toMatchObject({ ok: true, hints: [] });
  }
});

test("every Python block with a header has one that can be read", () => {
  const scripts = docBlocks("python").filter(({ text }) => text.startsWith("# /// script"));
  expect(scripts.length).toBeGreaterThan(2);
  for (const { file, line, text } of scripts) {
    expect(parseScriptMetadata(text, `${file}:${line}`)).toMatchObject({ dependencies: [] });
  }
});

test("every name that a TypeScript block imports is there", () => {
  const sources: Record<string, string> = {
    skillwright: read("src/index.ts"),
    "skillwright/middleware": read("src/tools/middleware.ts"),
  };
  const imported = docBlocks("ts").flatMap(({ text }) => [
    ...text.matchAll(/import (?:type )?\{([^}]*)\} from "(skillwright[^"]*)"/g),
  ]);
  expect(imported.length).toBeGreaterThan(2);
  for (const [, names = "", from = ""] of imported) {
    for (const name of names.split(",").map((one) => one.replace(/^\s*(type )?|\s+$/g, ""))) {
      expect(sources[from], `"${from}" has ${name}`).toMatch(new RegExp(`\\b${name}\\b`));
    }
  }
});

test("every TypeScript block imports what it uses of this package", () => {
  const names = new Set(
    read("src/index.ts").match(/\b(?:open|create|skill|generate|install|index)[A-Z]\w+/g),
  );
  const forgotten = docBlocks("ts").flatMap(({ file, line, text }) => {
    const used = [...names].filter((name) => new RegExp(`(?<![."\\w/])${name}\\(`).test(text));
    return used.filter((name) => !new RegExp(`import \\{[^}]*\\b${name}\\b`).test(text)).map((name) => ({
      file,
      line,
      name,
    }));
  });
  expect(names.size).toBeGreaterThan(5);
  expect(forgotten).toEqual([]);
});

describe("command lines", () => {
  const written = documents().flatMap(({ file, text }) =>
    [...text.matchAll(/(?:^|`|\| )skillwright ([a-z]+)([^\n`]*)/gm)].map(([line, name = "", rest = ""]) => ({
      file,
      line: line.trim(),
      name,
      rest,
      options: [...rest.matchAll(/(?<=\s)(--[a-z-]+)/g)].map(([, option = ""]) => option),
    }))
  );

  test("every command line names a command and its options", () => {
    expect(written.length).toBeGreaterThan(8);
    for (const { file, line, name, rest, options } of written) {
      const group = COMMANDS.some((one) => one.name.startsWith(`${name} `));
      const full = group ? `${name} ${/^\s+([a-z]+)/.exec(rest)?.[1] ?? ""}` : name;
      const command = COMMANDS.find((one) => one.name === full);
      const known = [...command?.options ?? [], ["--json"], ["--dir"], ["--help"]].map(([flags = ""]) =>
        flags.split(" ")[0]
      );
      expect({
        file,
        line,
        found: command?.name,
        unknown: options.filter((option) => !known.includes(option)),
      })
        .toEqual({ file, line, found: full, unknown: [] });
    }
  });

  test("every example in a command's help names its options", () => {
    for (const { name, examples, options } of COMMANDS) {
      expect(examples.length).toBeGreaterThan(0);
      const known = [...options.map(([flags]) => flags.split(" ")[0]), "--json", "--dir"];
      for (const example of examples) {
        expect(example).toContain(`skillwright ${name}`);
        const [, own = ""] = example.split(`skillwright ${name}`);
        const used = [...own.matchAll(/(?<=\s)(--[a-z-]+)/g)].map(([, option = ""]) => option);
        expect({ example, unknown: used.filter((option) => !known.includes(option)) }).toEqual({
          example,
          unknown: [],
        });
      }
    }
  });
});

test("every npm script that is named is there", () => {
  const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
  for (const { file, text } of documents()) {
    for (const [, name = ""] of text.matchAll(/npm run ([\w:]+)/g)) {
      expect({ file, name, found: name in scripts }).toEqual({ file, name, found: true });
    }
  }
});

test("every link to a file of the project leads somewhere", () => {
  for (const { file, text } of documents()) {
    for (const [, path = ""] of text.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)) {
      const found = existsSync(new URL(path, new URL(file, root)));
      expect({ file, path, found }).toEqual({ file, path, found: true });
    }
  }
});
