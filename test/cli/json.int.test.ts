import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { allCommands } from "../../src/cli/commands.ts";
import { cli } from "./recording-terminal.ts";

const folder = mkdtempSync(join(tmpdir(), "skillwright-json-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Something for each argument, mostly of nothing that is there. */
function argument(spec: string): string {
  const name = spec.replaceAll(/[<>[\].]/g, "");
  if (name === "dir") return join(folder, "package");
  if (name === "shell") return "bash";
  return name === "file" ? join(folder, "none.json") : "nobody";
}

// The host's standard output is its answers, one document a line.
const commands = (await allCommands()).filter(({ name }) => name !== "host");

describe("--json", () => {
  test.each(commands.map(({ name, args }) => ({ name, args })))(
    "$name prints one JSON document and nothing else, and its exit code says whether it is an error",
    async ({ name, args }) => {
      const given = args.map(([spec]) => argument(spec));
      const ran = await cli([...name.split(" "), ...given, "--json", "--dir", join(folder, "home")]);
      const document = ran.json() as Record<string, unknown>;
      expect(document).toBeTypeOf("object");
      const failed = "error" in document;
      expect(failed).toBe(ran.code !== 0 && !("ok" in document));
      expect(ran.notes).toBe("");
    },
  );

  test.each(commands.map(({ name }) => name))("%s tells wrong use as one JSON document", async (name) => {
    const ran = await cli([...name.split(" "), "--no-such-option", "--json"]);
    expect(ran.code).toBe(2);
    expect(ran.json()).toMatchObject({ error: { code: "invalid_input" } });
  });
});
