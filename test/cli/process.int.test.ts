import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { afterAll, expect, test } from "vitest";
import { runCli } from "../main-path/run-cli.ts";
import { startCli } from "./start-cli.ts";

// The program's first line says so, but it is not what starts it here.
process.env["NODE_OPTIONS"] = "--disable-warning=ExperimentalWarning";
const dir = mkdtempSync(join(tmpdir(), "skillwright-process-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

test("skillwright as a process keeps answers on stdout, messages on stderr, and its exit code", async () => {
  expect(await runCli(["list", "--json", "--dir", dir])).toEqual({
    code: 0,
    stdout: '{"skills":[]}\n',
    stderr: "",
  });
  const wrong = await runCli(["run", "nobody", "--dir", dir]);
  expect(wrong).toMatchObject({ code: 1, stdout: "", stderr: expect.stringMatching(/^not_found: /) });
  expect(await runCli(["lst"])).toMatchObject({
    code: 2,
    stdout: "",
    stderr: expect.stringContaining("list"),
  });
});

test("skillwright ends quietly when nobody reads what it prints", async () => {
  const { child, ended } = startCli(["--help"]);
  let stderr = "";
  child.stderr.on("data", (part) => (stderr += String(part)));
  child.stdout.destroy();
  await ended;
  expect(stderr).toBe("");
});
