import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
/** What lies in a folder; each imports from those before it alone, as CONTRIBUTING.md says. */
const ORDERS: Readonly<Record<string, readonly string[]>> = {
  "src": [
    "version.ts",
    "base",
    "discovery",
    "observe",
    "manifest",
    "sandbox",
    "environment",
    "runner",
    "lifecycle",
    "graph",
    "operations",
    "tools",
    "host",
    "skills.ts",
    "index.ts",
    "cli",
  ],
  "src/sandbox": [
    "limit-names.ts",
    "types.ts",
    "network",
    "files",
    "policy",
    "seccomp",
    "process",
    "canary",
    "backends",
    "create-sandbox.ts",
  ],
  "src/environment": [
    "types.ts",
    "toolchain",
    "index",
    "confinement",
    "install",
    "create-environments.ts",
  ],
  "src/runner": [
    "types.ts",
    "limits",
    "wire",
    "logs",
    "files",
    "process",
    "pool",
    "resilience",
    "runner.ts",
    "script-tools.ts",
    "run-script.ts",
  ],
  "src/lifecycle": [
    "test-report.ts",
    "types.ts",
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
    "skill-library.ts",
    "python-skills.ts",
    "library.ts",
  ],
};
const IMPORT = /(?:\bfrom|\bimport\()\s*"(\.{1,2}\/[^"]+)"/g;

interface Import {
  readonly from: string;
  readonly to: string;
}

/** Imports within a folder, by paths from there. */
function imports(folder: string): readonly Import[] {
  const files = readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" });
  return files.filter((name) => name.endsWith(".ts")).flatMap((from) => {
    const text = readFileSync(join(ROOT, folder, from), "utf8");
    return [...text.matchAll(IMPORT)].map(([, path = ""]) => ({ from, to: join(dirname(from), path) }));
  }).filter(({ to }) => !to.startsWith(".."));
}

test.each(Object.entries(ORDERS))("%s imports in one direction", (folder, order) => {
  const place = (path: string) => order.indexOf(path.split("/")[0] ?? "");
  const found = imports(folder);
  expect(readdirSync(join(ROOT, folder)).sort()).toEqual([...order].sort());
  expect(found.length).toBeGreaterThan(20);
  expect(found.filter(({ from, to }) => place(to) > place(from))).toEqual([]);
});
