import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** What a tool of the project says, and how it ends. */
function said(
  tool: string,
  ...args: readonly string[]
): { readonly text: string; readonly status: number | null } {
  const path = fileURLToPath(new URL(`../node_modules/.bin/${tool}`, import.meta.url));
  const { status, stdout, stderr } = spawnSync(path, args, { cwd: ROOT, encoding: "utf8" });
  return { text: `${stdout}${stderr}`.replace(/^npm warn .*\n/gm, ""), status };
}

// They are programs of their own: which runtime starts them makes no difference.
describe.skipIf("Deno" in globalThis)("the sources", { timeout: 300_000 }, () => {
  test("compile without a warning", () => {
    expect(said("tsc", "-p", "tsconfig.json", "--noEmit")).toEqual({ text: "", status: 0 });
  });

  test("are linted without a warning", () => {
    expect(said("oxlint", "--type-aware", "src")).toMatchObject({
      text: expect.stringContaining("Found 0 warnings and 0 errors"),
      status: 0,
    });
  });
});
