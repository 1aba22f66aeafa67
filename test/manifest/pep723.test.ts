import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseScriptMetadata } from "../../src/manifest/pep723.ts";
import { dataLines, errorOf, foreignError } from "./helpers.ts";
import { tries } from "../torture.ts";

type Outcome = { readonly result: "ok" | "none" | "error"; readonly toml?: Record<string, unknown> };
interface Case {
  readonly id: string;
  readonly script: string;
  readonly expected: { readonly spec: Outcome; readonly uv: Outcome };
}

/** Scripts that uv accepts and we do not, with the words that the refusal must hold. */
const REFUSED: Readonly<Record<string, string>> = {
  "pipx/utf8-bom-crlf": "byte order mark",
  "pipx/dependencies-not-strings": "must be a list of texts",
  "pipx/bad-requirement": "dependency",
  "pipx/requires-python-type": "requires-python must be text",
  "pipx/requires-python-value": "requires-python",
  "x/first-match-in-comment-line": "disagree",
  "x/unicode-line-separator-in-value": "ends a line for some tools",
  "x/dep-url-credentials": "by URL",
  "x/dep-git-ref": "by URL",
  "x/dep-local-path": "by URL",
  "x/tool-uv-index": "[tool.uv]",
  "x/tool-uv-sources-path": "[tool.uv]",
};

describe("parseScriptMetadata follows uv", () => {
  const cases = dataLines("pep723/cases.jsonl") as readonly Case[];
  const isRefused = ({ id, expected }: Case) => Object.hasOwn(REFUSED, id) || expected.uv.result === "error";

  it.each(cases.filter((row) => !isRefused(row)))("and reads $id", ({ script, expected: { uv } }) => {
    const { requires_python: python, ...read } = parseScriptMetadata(script, "skill.py");
    expect(python).toEqual(uv.toml?.["requires-python"]);
    expect(read).toEqual({ dependencies: uv.toml?.["dependencies"] ?? [], tool: uv.toml?.["tool"] ?? {} });
  });

  it.each(cases.filter(isRefused))("and refuses $id", async ({ id, script }) => {
    const error = await errorOf(() => parseScriptMetadata(script, "skill.py"));
    expect(error.code).toBe("invalid_script");
    expect(error.message).toContain(REFUSED[id] ?? "skill.py line ");
    expect(error.details?.["line"]).toBeGreaterThan(0);
  });

  it("covers all 58 cases", () => {
    expect(cases).toHaveLength(58);
  });
});

describe("parseScriptMetadata", () => {
  const block = (...lines: string[]) =>
    ["# /// script", ...lines.map((line) => `# ${line}`), "# ///", ""].join("\n");
  const refusal = (script: string | Uint8Array) => errorOf(() => parseScriptMetadata(script, "skill.py"));

  it("names the line of the requirement that is wrong", async () => {
    const error = await refusal(`import x\n${block("dependencies = [", '  "rich",', '  "httpx=1",', "]")}`);
    expect(error.message).toContain("skill.py line 5:");
    expect(error.fix).toContain("httpx>=0.27");
  });

  it("names the line of the TOML error", async () => {
    expect((await refusal(`\n${block("a = 1", "b = = 2")}`)).details).toMatchObject({ line: 4 });
  });

  it("never repeats a password of a URL", async () => {
    const error = await refusal(block('dependencies = ["pkg @ https://user:pw@example.invalid/pkg.whl"]'));
    expect(JSON.stringify(error.toValue())).not.toContain("user:pw");
  });

  it.each([
    ["an opening after a lone carriage return", "x = 1\r# /// script\n# dependencies = ['a']\n# ///\n"],
    [
      "an opening with more letters before the block",
      `# /// scripts\n\n${block("dependencies = []", "x = 1")}`,
    ],
    ["two blocks", block("dependencies = []") + "\n" + block("dependencies = []")],
    ["a second block that is empty", block("dependencies = []") + "\n# /// script\n# ///\n"],
    ["a dotted tool.uv", block("tool.uv.index-url = 'https://evil.invalid'")],
    ["an inline tool.uv", block("tool = { uv = { } }")],
    ["a prototype key", block("tool.__proto__.x = 1")],
  ])("refuses %s", async (_name, script) => {
    expect((await refusal(script)).code).toBe("invalid_script");
  });

  it("refuses bytes that are not UTF-8 and scripts that are too long", async () => {
    expect((await refusal(new Uint8Array([0x23, 0xff]))).message).toContain("UTF-8");
    expect((await refusal("#".repeat(256 * 1024 + 1))).message).toContain("limit");
    expect(parseScriptMetadata("#".repeat(256 * 1024), "skill.py").dependencies).toEqual([]);
  });

  it("reads a file of openings that are never closed in one pass", () => {
    const script = "# /// a\n".repeat(32_000);
    expect(parseScriptMetadata(script, "skill.py").dependencies).toEqual([]);
  });

  it("gives the tool table as data", () => {
    const script = block("[tool.skillwright]", 'id = "x"', "[tool.other]", "when = 2020-01-01", "n = nan");
    expect(parseScriptMetadata(script, "skill.py").tool).toEqual({
      skillwright: { id: "x" },
      other: { when: "2020-01-01", n: "NaN" },
    });
  });

  it("throws nothing but SkillError whatever the bytes", () => {
    const line = fc.oneof(
      fc.constantFrom(
        "# /// script",
        "# ///",
        "#",
        "# dependencies = [",
        "#   \"a>=1; python_version<'3'\",",
        "# ]",
        "\r",
        "# [tool.x]",
      ),
      fc.string({ unit: "binary" }).map((text) => `# ${text}`),
    );
    const input = fc.oneof(
      fc.array(line, { maxLength: 12 }).map((lines) => lines.join("\n")),
      fc.uint8Array({ maxLength: 200 }),
    );
    fc.assert(
      fc.property(input, (source) => {
        expect(foreignError(() => parseScriptMetadata(source, "skill.py"))).toBeUndefined();
      }),
      { numRuns: tries(500, 50_000) },
    );
  });
});
