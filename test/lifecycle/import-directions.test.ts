import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const SOURCES = fileURLToPath(new URL("../../src/lifecycle", import.meta.url));
const WORDS = ["types.ts", "test-report.ts"];
/** Each imports from those before it alone, as CONTRIBUTING.md says. */
const FOLDERS = [
  "storage",
  "records",
  "validation",
  "packages",
  "programs",
  "secrets",
  "state",
  "projections",
  "home",
  "sources",
  "dependencies",
  "testing",
  "changes",
  "serving",
];
const IMPORT = /^(?:import|export) [^;]*? from "(\.{1,2}\/[^"]+)";/gm;

interface Import {
  readonly from: string;
  readonly to: string;
}

/** Imports within the lifecycle, by paths. */
function imports(): readonly Import[] {
  const files = readdirSync(SOURCES, { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".ts")
  );
  return files.flatMap((from) => {
    const text = readFileSync(join(SOURCES, from), "utf8");
    return [...text.matchAll(IMPORT)].map(([, path = ""]) => ({ from, to: join(dirname(from), path) }))
      .filter(({ to }) => !relative(".", to).startsWith(".."));
  });
}

/** The types of all come first, the library last. */
function place(file: string): number {
  const folder = dirname(file);
  if (folder === ".") return WORDS.includes(file) ? -1 : FOLDERS.length;
  return FOLDERS.indexOf(folder);
}

test("folders of the lifecycle import in one direction", () => {
  const found = imports();
  const folders = readdirSync(SOURCES, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  expect(folders.map(({ name }) => name).sort()).toEqual([...FOLDERS].sort());
  expect(found.length).toBeGreaterThan(200);
  expect(found.filter(({ from, to }) => place(to) > place(from))).toEqual([]);
});
