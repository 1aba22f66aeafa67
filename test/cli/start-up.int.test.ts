import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { runCli } from "../main-path/run-cli.ts";

const folder = mkdtempSync(join(tmpdir(), "skillwright-start-up-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const BIN = fileURLToPath(new URL("../../src/cli/bin.ts", import.meta.url));
/** Says at the end which packages were loaded. */
const WATCH = `import { registerHooks } from "node:module";
const packages = new Set();
registerHooks({ load(url, context, next) {
  const name = /\\/node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(url)?.[1];
  if (name !== undefined) packages.add(name);
  return next(url, context);
} });
process.on("exit", () => process.stderr.write(JSON.stringify([...packages])));`;

/** The packages that a command loads. */
function loaded(...argv: readonly string[]): unknown {
  const args = ["--import", `data:text/javascript,${encodeURIComponent(WATCH)}`, BIN, ...argv];
  const { stderr } = spawnSync(process.execPath, ["--disable-warning=ExperimentalWarning", ...args], {
    encoding: "utf8",
  });
  return JSON.parse(stderr);
}

// Deno has no hooks to watch by.
test.skipIf("Deno" in globalThis)(
  "list waits for no package but the parser of the command line",
  async () => {
    const dir = join(folder, "home");
    expect(await runCli(["list", "--dir", dir])).toMatchObject({ code: 0 });
    expect(loaded("list", "--dir", dir)).toEqual(["commander"]);
    // the watch sees what other commands need
    expect(loaded("stats", "--dir", dir)).toContain("zod");
  },
);
