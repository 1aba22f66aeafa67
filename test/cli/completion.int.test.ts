import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { commandNames } from "../../src/cli/commands.ts";
import { cli } from "./recording-terminal.ts";

const BIN = fileURLToPath(new URL("../../src/cli/bin.ts", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "skillwright-completion-"));
const dir = join(folder, "home");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

beforeAll(async () => {
  for (const id of ["word_count", "word_list", "other"]) {
    await cli(["new", join(folder, id), "--description", `What ${id}\tdoes`]);
    await cli(["install", join(folder, id), "--dir", dir]);
  }
});

async function words(...line: readonly string[]): Promise<readonly string[]> {
  const { code, stdout } = await cli(["completion", "words", "--", ...line]);
  expect(code).toBe(0);
  return stdout === "" ? [] : stdout.split("\n").map((row) => row.split("\t")[0] ?? "");
}

describe("completion words", () => {
  test("are the commands, the members of a group, and what begins like the last word", async () => {
    const first = [...new Set(commandNames().map((name) => name.split(" ")[0]))];
    expect(await words("")).toEqual([...first, "help", "--help", "--version"]);
    expect(await words("se")).toEqual(["setup", "search", "secrets"]);
    expect(await words("secrets", "")).toEqual(["set", "list", "export", "import", "remove"]);
    expect(await words("help", "upd")).toEqual(["update"]);
    expect(await words("nonsense", "")).toEqual([]);
  });

  test("are the options of a command, its own before those of all", async () => {
    expect(await words("uninstall", "--")).toEqual(["--keep-data", "--yes", "--json", "--dir", "--help"]);
    expect(await words("secrets", "set", "--sk")).toEqual(["--skill"]);
    expect(await words("list", "--status", "")).toContain("quarantined");
  });

  test("are ids of the home that is meant, and tools of a skill, with what they do in one line", async () => {
    expect(await words("activate", "--dir", dir, "wo")).toEqual(["word_count", "word_list"]);
    expect(await words("secrets", "list", "--dir", dir, "--skill", "o")).toEqual(["other"]);
    const [tool = ""] = await words("run", "other", "--dir", dir, "");
    expect(tool).toMatch(/^\w+$/);
    expect(await words("run", "other", tool, "--dir", dir, "")).toEqual([]);
    const { stdout } = await cli(["completion", "words", "--", "run", "--dir", dir, "oth"]);
    expect(stdout).toMatch(/^other\t.*What other does$/);
  });

  test("are none where a file is meant, and no home is made by asking", async () => {
    expect(await words("validate", "./")).toEqual([]);
    expect(await words("run", "--file", "")).toEqual([]);
    const nowhere = join(folder, "nowhere");
    expect(await words("run", "--dir", nowhere, "")).toEqual([]);
    expect(await words("completion", "")).toEqual(["bash", "zsh", "fish"]);
    const ran = await cli(["completion", "words", "--json", "--", "acti"]);
    expect(ran.json()).toMatchObject({ words: [{ word: "activate" }] });
  });
});

describe("completion", () => {
  test("prints a script for each shell, and names the nearest one for another", async () => {
    for (const shell of ["bash", "zsh", "fish"]) {
      expect((await cli(["completion", shell])).stdout).toContain("completion words --");
    }
    const wrong = await cli(["completion", "bsh"]);
    expect([wrong.code, wrong.notes]).toEqual([2, expect.stringContaining('did you mean "bash"')]);
  });

  /** A program of that name, as an installation puts it into PATH. */
  function installedProgram(): string {
    const bin = join(folder, "bin");
    mkdirSync(bin, { recursive: true });
    const before = "Deno" in globalThis ? "run -A" : "";
    writeFileSync(
      join(bin, "skillwright"),
      `#!/bin/sh\nexec "${process.execPath}" ${before} "${BIN}" "$@"\n`,
    );
    chmodSync(join(bin, "skillwright"), 0o755);
    return bin;
  }

  const shells = ["bash", "zsh", "fish"].filter((name) => spawnSync(name, ["-c", "true"]).status === 0);

  test.skipIf(!shells.includes("bash"))(
    "teaches bash: names, ids with spaces before them, files",
    async () => {
      const script = join(folder, "completion.bash");
      writeFileSync(script, (await cli(["completion", "bash"])).stdout);
      const complete = (...line: readonly string[]): readonly string[] => {
        const ask = `source "${script}"
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_skillwright skillwright "\${COMP_WORDS[COMP_CWORD]}" x
(( \${#COMPREPLY[@]} )) && printf '%s\\n' "\${COMPREPLY[@]}"
complete -p skillwright`;
        const env = {
          ...process.env,
          PATH: `${installedProgram()}:${process.env["PATH"]}`,
          SKILLWRIGHT_DIR: dir,
        };
        const args = ["--norc", "-c", ask, "bash", "skillwright", ...line];
        const out = execFileSync("bash", args, { env, encoding: "utf8" }).trimEnd().split("\n");
        expect(out.at(-1)).toBe("complete -o default -F _skillwright skillwright");
        return out.slice(0, -1);
      };
      expect(complete("ins")).toEqual(["install"]);
      expect(complete("run", "--timeout", "5", "word")).toEqual(["word_count", "word_list"]);
      expect(complete("validate", "")).toEqual([]);
    },
  );

  for (const shell of ["zsh", "fish"] as const) {
    test.skipIf(!shells.includes(shell))(`is a script that ${shell} reads`, async () => {
      const script = join(folder, `completion.${shell}`);
      writeFileSync(script, (await cli(["completion", shell])).stdout);
      expect(spawnSync(shell, ["-n", script], { encoding: "utf8" })).toMatchObject({ status: 0, stderr: "" });
    });
  }
});
