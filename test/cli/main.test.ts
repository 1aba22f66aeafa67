import { Buffer } from "node:buffer";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, describe, expect, test } from "vitest";
import { allCommands } from "../../src/cli/commands.ts";
import { readJsonInput } from "../../src/cli/json-input.ts";
import { makerByName } from "../../src/cli/maker.ts";
import { showProgress } from "../../src/cli/show.ts";
import type { Terminal } from "../../src/cli/terminal.ts";
import { programsOfUser } from "../../src/cli/user-programs.ts";
import { VERSION } from "../../src/version.ts";
import { cli } from "./recording-terminal.ts";

const COMMANDS = await allCommands();
const folder = mkdtempSync(join(tmpdir(), "skillwright-cli-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("help", () => {
  test("skillwright --help lists every command", async () => {
    const { code, stdout, notes } = await cli(["--help"]);
    expect({ code, notes }).toEqual({ code: 0, notes: "" });
    for (const { name } of COMMANDS) {
      expect(stdout).toMatch(new RegExp(`^  ${name.split(" ")[0]} `, "m"));
    }
  });

  test.each(COMMANDS.map(({ name }) => name))(
    "skillwright %s --help tells arguments, options and examples",
    async (name) => {
      const words = name.split(" ");
      const { code, stdout } = await cli([...words, "--help"]);
      expect(code).toBe(0);
      expect(stdout).toContain(`Usage: skillwright ${name}`);
      expect(stdout).toMatch(/--json/);
      expect(stdout).toMatch(/--dir <home>/);
      const examples = stdout.split("Examples:\n")[1] ?? "";
      expect(examples).toContain(`skillwright ${name}`);
      const [group = "", member] = words;
      const shown = (await cli(["help", group])).stdout;
      expect(shown).toContain(member === undefined ? stdout : `  ${member} `);
    },
  );

  test("every line of help fits a terminal of 80 columns, but for the examples", async () => {
    for (const { name } of COMMANDS) {
      const [help = ""] = (await cli([...name.split(" "), "--help"])).stdout.split("Examples:");
      expect(help.split("\n").filter((line) => line.length > 80)).toEqual([]);
    }
  });

  test("skillwright without a command shows the help as a message, and is wrong use", async () => {
    const { code, stdout, notes } = await cli([]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(notes).toContain("Usage: skillwright");
  });

  test("skillwright --version says the version", async () => {
    expect(await cli(["--version"])).toMatchObject({ code: 0, stdout: VERSION });
  });
});

describe("wrong use", () => {
  test("a mistyped command is refused with the nearest one", async () => {
    const { code, stdout, notes } = await cli(["doctr"]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(notes).toContain("unknown command 'doctr'");
    expect(notes).toContain("Did you mean doctor?");
  });

  test("a mistyped option, a missing argument and one too many are refused", async () => {
    for (
      const [argv, said] of [
        [["list", "--statsu", "active"], "Did you mean --status?"],
        [["run"], "missing required argument 'id'"],
        [["list", "everything"], "too many arguments"],
        [["list", "--status"], "argument missing"],
      ] as const
    ) {
      const { code, stdout, notes } = await cli(argv);
      expect({ argv, code, stdout }).toEqual({ argv, code: 2, stdout: "" });
      expect(notes).toContain(said);
      expect(notes).toContain(`see: skillwright ${argv[0]} --help`);
    }
  });

  test("with --json wrong use is one document as well", async () => {
    const ran = await cli(["doctr", "--json"]);
    expect(ran.code).toBe(2);
    expect(ran.json()).toEqual({
      error: { code: "invalid_input", message: "unknown command 'doctr'", fix: "did you mean doctor" },
    });
    const option = await cli(["list", "--json", "--statsu", "active"]);
    expect(option.code).toBe(2);
    expect(option.json()).toMatchObject({ error: { code: "invalid_input", fix: "did you mean --status" } });
    expect((await cli(["--json"])).json()).toMatchObject({ error: { code: "invalid_input" } });
  });

  test("the home and --json may stand before the command, and before what is no option", async () => {
    const dir = join(folder, "home before");
    for (const before of [["--dir", dir, "--json"], ["--json", `--dir=${dir}`]]) {
      const ran = await cli([...before, "status", "--", "nobody"]);
      expect(ran.json()).toMatchObject({
        error: { code: "not_found", message: expect.stringContaining("nobody") },
      });
    }
    expect(existsSync(dir)).toBe(true);
    expect((await cli(["--dir", dir, "secrets", "list", "--json"])).json()).toMatchObject({ secrets: [] });
    expect((await cli(["--dir"])).code).toBe(2);
  });

  test("a value that an option cannot have is refused with where it stands", async () => {
    const dir = join(folder, "home");
    const list = await cli(["list", "--status", "actve", "--dir", dir, "--json"]);
    expect(list).toMatchObject({ code: 2 });
    expect(list.json()).toMatchObject({
      error: { code: "invalid_input", details: { issues: [{ path: "status" }] } },
    });
    const search = await cli(["search", "words", "--limit", "many", "--dir", dir, "--json"]);
    expect(search.json()).toMatchObject({ error: { code: "invalid_input" } });
    const model = await cli(["generate", "x", "--model", "gpt", "--dir", dir, "--json"]);
    expect(model).toMatchObject({ code: 2 });
    expect(model.json()).toMatchObject({ error: { message: '"gpt" is not a model' } });
  });
});

describe("input", () => {
  const stdin = (text: string) => Readable.from([text]);

  test("readJsonInput reads text, a file, or standard input", async () => {
    const file = join(folder, "input.json");
    writeFileSync(file, '{"from": "file"}');
    expect(await readJsonInput('{"a": [1]}', stdin(""))).toEqual({ a: [1] });
    expect(await readJsonInput(`@${file}`, stdin(""))).toEqual({ from: "file" });
    expect(await readJsonInput("-", Readable.from([Buffer.from('{"a":"'), Buffer.from('é"}')]))).toEqual({
      a: "é",
    });
  });

  test("readJsonInput says what cannot be read", async () => {
    await expect(readJsonInput("{a}", stdin(""))).rejects.toMatchObject({
      code: "invalid_input",
      message: expect.stringContaining("the input is not JSON"),
    });
    await expect(readJsonInput("@/nonexistent.json", stdin(""))).rejects.toMatchObject({
      code: "invalid_input",
      message: expect.stringContaining("/nonexistent.json"),
    });
    await expect(readJsonInput("-", stdin(""))).rejects.toMatchObject({
      message: expect.stringContaining("standard input"),
    });
  });
});

describe("the user's environment", () => {
  test("programsOfUser takes paths and a sandbox from it", () => {
    expect(programsOfUser({})).toEqual({ sandbox: "auto", programs: {} });
    expect(programsOfUser({ SKILLWRIGHT_SANDBOX: "landlock", SKILLWRIGHT_PYTHON: "/opt/python3" })).toEqual({
      sandbox: "landlock",
      programs: { python: "/opt/python3" },
    });
  });

  test("programsOfUser does not take the sandbox away", () => {
    for (const name of ["unsafe-none", "none", "off"]) {
      expect(() => programsOfUser({ SKILLWRIGHT_SANDBOX: name })).toThrow(`SKILLWRIGHT_SANDBOX is "${name}"`);
    }
  });

  test("makerByName says which package a provider needs", async () => {
    expect(await makerByName(undefined)).toBeUndefined();
    await expect(makerByName("nobody:model-1")).rejects.toMatchObject({
      code: "maker_failed",
      fix: expect.any(String),
    });
  });
});

test("progress is a stage with its time, or what happened in it, with nothing that moves a cursor", () => {
  const notes: string[] = [];
  const terminal = {
    note: (text: string) => void notes.push(text),
    style: (_style: string, text: string) => text,
  };
  for (
    const event of [
      { kind: "stage", stage: "validate", status: "started" },
      { kind: "stage", stage: "validate", status: "failed", ms: 12.4 },
      { kind: "test", stage: "test", status: "failed", detail: "round 1: \u001b[2Jfails" },
    ] as const
  ) showProgress(terminal as unknown as Terminal, event);
  expect(notes).toEqual(["validate         12 ms failed", "  round 1: \\u001b[2Jfails"]);
});
