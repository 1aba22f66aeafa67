import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { openScript, runScript } from "../../src/runner/run-script.ts";
import { createSandbox } from "../../src/sandbox/create-sandbox.ts";
import { scriptTool } from "../../src/tools/script-tool.ts";
import { sharedEnvironments } from "../environment/support.ts";

const folder = mkdtempSync(join(tmpdir(), "skillwright-test-scripts-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

// One for all: its canary runs once.
const sandbox = createSandbox();

function script(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const leftovers = () => readdirSync(tmpdir()).filter((name) => name.startsWith("skillwright-script-"));

const SHOUT = script(
  "shout.py",
  `def shout(text: str, times: int = 1) -> str:
    "Capitals."
    return text.upper() * times
def _hidden(): ...
`,
);

test("runScript runs a function of a file, with no home", async () => {
  const { value, sandbox: confined } = await runScript(SHOUT, { text: "ab", times: 2 }, { sandbox });
  expect(value).toBe("ABAB");
  expect(confined.unenforced).toEqual([]);
});

test("runScript installs what the header asks for", async () => {
  const path = script(
    "versions.py",
    `# /// script
# requires-python = ">=3.9"
# dependencies = ["packaging==24.2"]
# ///
from packaging.version import Version
def invoke(text: str) -> bool:
    return Version(text).is_prerelease
`,
  );
  const options = { sandbox, environments: await sharedEnvironments() };
  expect((await runScript(path, { text: "1.0rc1" }, options)).value).toBe(true);
}, 120_000);

test("runScript gives a script nothing that was not granted", async () => {
  // Not below /tmp: a path there is in the script's own scratch folder.
  const place = mkdtempSync("/var/tmp/skillwright-granted-"), secret = join(place, "granted.txt");
  writeFileSync(secret, "granted");
  const path = script("reader.py", `def invoke(path: str) -> str:\n    return open(path).read()\n`);
  await expect(runScript(path, { path: secret }, { sandbox })).rejects.toMatchObject({ code: "tool_failed" });
  const permissions = { file_read: [secret] };
  expect((await runScript(path, { path: secret }, { sandbox, permissions })).value).toBe("granted");
  rmSync(place, { recursive: true });
});

test("runScript says what is wrong with a file", async () => {
  const refusals: [string, string][] = [
    [join(folder, "missing.py"), "cannot be read"],
    [folder, "cannot be read"],
    [script("syntax.py", "def invoke(:\n"), "in line 1"],
    [script("empty.py", "x = 1\n"), "no function"],
    [script("uv.py", "# /// script\n# [tool.uv]\n# x = 1\n# ///\n"), "tool.uv"],
    [script("long.py", "#".repeat(300_000)), "long"],
  ];
  for (const [path, message] of refusals) {
    await expect(runScript(path, {}, { sandbox })).rejects.toMatchObject({
      code: "invalid_script",
      message: expect.stringContaining(message) as unknown,
    });
  }
});

test("openScript keeps the process, and closing it leaves nothing", async () => {
  const before = leftovers();
  const path = script(
    "counter.py",
    `n = 0
def count() -> int:
    global n
    n += 1
    return n
def fail(): raise ValueError("no")
`,
  );
  const opened = await openScript(path, { sandbox });
  try {
    expect(opened.tools.map(({ name }) => name)).toEqual(["count", "fail"]);
    expect((await opened.call({})).value).toBe(1);
    expect((await opened.call({}, { tool: "count" })).value).toBe(2);
    await expect(opened.call({}, { tool: "fail" })).rejects.toMatchObject({ code: "tool_failed" });
    await expect(opened.call({}, { tool: "other" })).rejects.toMatchObject({ code: "tool_not_found" });
  } finally {
    await opened.close();
  }
  expect(leftovers().filter((name) => !before.includes(name))).toEqual([]);
});

test("scriptTool is a LangChain tool with the schema of the type hints", async () => {
  const tool = await scriptTool(SHOUT, { sandbox, name: "loud" });
  expect(tool).toMatchObject({ name: "loud", description: "Capitals." });
  expect(tool.schema).toMatchObject({ properties: { text: { type: "string" } }, required: ["text"] });
  expect(await tool.invoke({ text: "a" })).toBe('{"value":"A"}');
  expect(await tool.invoke({ txt: "a" })).toContain('"code":"invalid_input"');
});

test("scriptTool of an opened script keeps its process, and refuses a function that is not there", async () => {
  const opened = await openScript(SHOUT, { sandbox });
  try {
    const tool = await scriptTool(opened);
    expect(await tool.invoke({ text: "b" })).toBe('{"value":"B"}');
    await expect(scriptTool(opened, { tool: "nothing" })).rejects.toMatchObject({ code: "tool_not_found" });
  } finally {
    await opened.close();
  }
});
