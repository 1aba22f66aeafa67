import { spawnSync } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

test.for([
  ["compile", "tsc", "-p", "tsconfig.json", "--noEmit"],
  ["are linted", "oxlint", "--type-aware", "src"],
])("all sources %s without a warning", { timeout: 300_000 }, ([, tool = "", ...args]) => {
  const path = fileURLToPath(new URL(`../node_modules/.bin/${tool}`, import.meta.url));
  const { status, stdout, stderr } = spawnSync(path, args, { cwd: ROOT, encoding: "utf8", env: process.env });
  expect(`${stdout}${stderr}`.replace(/^npm warn .*\n/gm, "")).toMatch(
    tool === "tsc" ? /^$/ : /Found 0 warnings and 0 errors/,
  );
  expect(status).toBe(0);
});
