import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseManifest, readManifest } from "../../src/manifest/manifest.ts";
import type { Finding } from "../../src/manifest/types.ts";
import { dataLines, errorOf, foreignError } from "./helpers.ts";
import { tries } from "../torture.ts";

const MINIMAL = 'id = "roman"\nname = "Roman"\nversion = "1.0.0"\ndescription = "Roman numerals"\n';

function findings(text: string): readonly Finding[] {
  const reading = readManifest(text);
  return reading.ok ? [] : reading.findings;
}

/** The one finding of a manifest that has one thing wrong. */
function only(text: string): Finding {
  const found = findings(text);
  if (found.length !== 1 || found[0] === undefined) {
    throw new Error(`${found.length}: ${JSON.stringify(found)}`);
  }
  return found[0];
}

describe("readManifest", () => {
  it("fills the defaults of a minimal manifest", () => {
    expect(readManifest(MINIMAL)).toEqual({
      ok: true,
      hints: [],
      manifest: {
        type: "python",
        id: "roman",
        name: "Roman",
        version: "1.0.0",
        description: "Roman numerals",
        entry_file: "skill.py",
        triggers: [],
        mode: "daemon",
        isolation: "venv",
        concurrent: false,
        tools: [],
        credentials: [],
        security: {
          permissions: { network_access: false, file_read: [], file_write: [], process_spawn: false },
          resource_limits: {},
        },
        dependencies: {},
        metadata: { tags: [] },
      },
    });
  });

  it("reads the paper's fields", () => {
    const { manifest } = parseManifest(
      `${MINIMAL}entry_file = "main.py"\nmin_uv_version = "0.5.0"\nmin_python = "3.11"\n` +
        '[[credentials]]\nname = "API_KEY"\ndescription = "Key"\nrequired = false\n',
    );
    expect(manifest).toMatchObject({
      entry_file: "main.py",
      min_uv_version: "0.5.0",
      min_python: "3.11",
      credentials: [{ name: "API_KEY", description: "Key", required: false }],
    });
  });

  it("reads every key of the design's example", () => {
    const { manifest, hints } = parseManifest(`${MINIMAL}
triggers = ["what is 1994 in roman numerals", "what is 1994 in roman numerals"]
serve = "functions"
mode = "one_shot"
isolation = "shared"
default_tool = "to_roman"
setup = "configure"
health = "probe"

[[tools]]
name = "to_roman"
description = "Integer to Roman numerals"
timeout = 5
input_schema = { type = "object", properties = { number = { type = "integer", minimum = 1 } }, required = ["number"] }
output_schema = { type = "string" }
idempotent = true

[security.permissions]
network_access = ["api.example.org", "[::1]:8080", "10.0.0.1"]
file_read = ["./data", "/srv/reports", "/tmp", "."]
file_write = ["./out"]
process_spawn = true
[security.resource_limits]
max_memory_mb = 128
max_cpu_percent = 50
max_execution_time = 30
max_file_size_mb = 10

[dependencies]
git-utils = "^1.0.0"
file-processor = ">=2.1.0"
[provides]
code-formatter = "1.2.0"
[metadata]
tags = ["text"]
category = "numbers"
`);
    expect(hints).toEqual([]);
    expect(manifest.triggers).toHaveLength(1);
    expect(manifest.tools[0]).toMatchObject({ name: "to_roman", timeout: 5, idempotent: true });
    expect(manifest.security.permissions).toEqual({
      network_access: ["api.example.org", "[::1]:8080", "10.0.0.1"],
      file_read: ["./data", "/srv/reports", "/tmp", "."],
      file_write: ["./out"],
      process_spawn: true,
    });
    expect(manifest.security.resource_limits).toEqual({
      max_memory_mb: 128,
      max_cpu_percent: 50,
      max_execution_time: 30,
      max_file_size_mb: 10,
    });
    expect(manifest.dependencies).toEqual({ "git-utils": "^1.0.0", "file-processor": ">=2.1.0" });
    expect(manifest.provides).toEqual({ "code-formatter": "1.2.0" });
    expect(manifest.metadata).toEqual({ tags: ["text"], category: "numbers" });
  });

  it.each([["1.0", "1.0.0"], ["2", "2.0.0"]])("reads version %s as %s, with a hint", (written, version) => {
    const { manifest, hints } = parseManifest(MINIMAL.replace("1.0.0", written));
    expect(manifest.version).toBe(version);
    expect(hints).toMatchObject([{ severity: "hint", rule: "manifest/short-version", line: 3 }]);
  });

  it.each(["", "one", "v1.0.0", "1.0.0.0", "1.x", "01.0.0", "1.0.0-", "1.0.0 "])(
    "refuses the version %j",
    (version) => {
      expect(only(MINIMAL.replace("1.0.0", version))).toMatchObject({
        line: 3,
        message: expect.stringContaining(JSON.stringify(version)),
        fix: expect.stringContaining("1.0.0"),
      });
    },
  );

  it.each(["", "  "])("refuses the name %j", (name) => {
    expect(only(MINIMAL.replace('"Roman"', `"${name}"`))).toMatchObject({
      line: 2,
      message: expect.stringContaining("name must be not empty"),
    });
  });

  it("takes the name for a missing description, with a hint", () => {
    const { manifest, hints } = parseManifest('id = "a"\nname = "A"\nversion = "1.0.0"\n');
    expect([manifest.description, hints[0]?.rule]).toEqual(["A", "manifest/no-description"]);
  });

  it("gives an input schema without type the type object", () => {
    const { manifest } = parseManifest(
      `${MINIMAL}[[tools]]\nname = "a"\ninput_schema = { properties = {} }\n`,
    );
    expect(manifest.tools[0]?.input_schema).toEqual({ type: "object", properties: {} });
  });

  it.each([
    ['entry-file = "x.py"', "unknown key entry-file", 'Did you mean "entry_file"?'],
    ["max_memory_mb = 1", "unknown key max_memory_mb", "Write it below [security.resource_limits]"],
    ['mode = "deamon"', 'mode must be "daemon" or "one_shot", found "deamon"', 'Did you mean "daemon"?'],
    ["triggers = 'a'", 'triggers must be a list, found "a"', "Write triggers = "],
    ["triggers = [1]", "triggers[0] must be text in quotes, found 1", ""],
    ["triggers = ['']", 'triggers[0] must be not empty, found ""', ""],
    ["concurrent = 'yes'", 'concurrent must be true or false, found "yes"', ""],
    ["entry_file = '../x.py'", 'written without ".", ".."', "skill.py"],
    ["entry_file = '/etc/x.py'", "relative", "skill.py"],
    ["entry_file = 'a/./x.py'", "written without", "skill.py"],
    ["entry_file = 'x.sh'", "must end in .py", "skill.py"],
    ["entry_file = '.py'", "must end in .py", "skill.py"],
    ["min_python = 'three'", "not a version", "3.11"],
    ["default_tool = 'a b'", "not accepted", "Use 1 to 64"],
    ["tools = {}", "tools must be a list", "[[tools]]"],
    ["[[tools]]\nname = 'a'\n[[tools]]\nname = 'a'", 'a second tool "a"', "Rename"],
    ["default_tool = 'b'\n[[tools]]\nname = 'a'", 'no tool is called "b"', "Use one of a"],
    ["[[tools]]\nname = 'a'\ntimeout = 0", "tools[0].timeout must be above 0, found 0", ""],
    ["[[tools]]\nname = 'a'\ninput_schema = { type = 'strin' }", '"strin" is not a type', '"string"'],
    ["[[tools]]\nname = 'a'\ninput_schema = { type = 'string' }", 'must have type "object"', "below a key"],
    ["[[tools]]\nname = 'a'\ninput_schema = { pattern = '(?=a)' }", "is refused", "look-around"],
    ["[[credentials]]\nname = 'A-B'", "not accepted", "WEATHER_API_KEY"],
    ["[[credentials]]\nname = 'A'\n[[credentials]]\nname = 'A'", "a second credential", "Remove one"],
    [
      "[security.permissions]\nnetwork_access = 'no'",
      "true, false or a list of hosts",
      "network_access = false",
    ],
    ["[security.permissions]\nnetwork_access = ['https://a.b']", "write the host alone", "api.example.org"],
    ["[security.permissions]\nnetwork_access = ['*.a.b']", "wildcards", "api.example.org"],
    ["[security.permissions]\nnetwork_access = ['a b']", "not a host", "api.example.org"],
    ["[security.permissions]\nnetwork_access = ['a:99999']", "port", "api.example.org"],
    ["[security.permissions]\nnetwork_access = ['127.1']", "written plainly", "api.example.org"],
    ["[security.permissions]\nnetwork_access = ['0x7F.1:80']", "written plainly", "api.example.org"],
    ["[security.resource_limits]\nmax_memory_mb = -1", "max_memory_mb must be at least 16, found -1", ""],
    ["[security.resource_limits]\nmax_memory_mb = nan", 'must be a number, found "NaN"', ""],
    ["[security.resource_limits]\nmax_memory_mb = 99999999", "must be at most 1048576", ""],
    ["[dependencies]\ngit-utils = 'latest'", "not a range", "^1.0.0"],
    ["[dependencies]\nGit = '^1'", "an id has", 'Use "git"'],
    ["[dependencies]\nroman = '^1'", "can't depend on itself", "Remove"],
    ["[provides]\nroman = '1.0.0'", "provides itself", "Remove"],
    ["[provides]\nother = '^1.0.0'", "not a version", '"1.0.0"'],
    ["provides = ['other@1.0.0']", "provides must be a table", '[provides], then other-skill = "1.2.0"'],
    ["[metadata]\ntag = []", "unknown key metadata.tag", 'Did you mean "tags"?'],
    ["type = 'code_inline'", 'type must be "python"', ""],
  ])("tells of %j what is wrong and what to do", (text, message, fix) => {
    const found = only(`${MINIMAL}${text}\n`);
    expect(found.message).toContain(message);
    expect(found.fix ?? "").toContain(fix);
    expect(found).toMatchObject({ severity: "error", file: "manifest.toml" });
    expect(found.line).toBeGreaterThan(4);
  });

  it.each([
    "/",
    "//",
    "/.",
    "/./",
    "~",
    "~/x",
    "~root/x",
    "$HOME",
    "${HOME}/x",
    "./$HOME",
    "%USERPROFILE%",
    "../x",
    "./a/../../x",
    "/srv/../etc",
    "a/..",
    "..",
    "./x\\y",
    "./*",
    "/srv/[a]",
    "data",
    "a\\u0000b",
    "C:/x",
  ])("refuses the permission path %j", (path) => {
    expect(
      only(`${MINIMAL}[security.permissions]\nfile_write = ["${path.replaceAll("\\y", "\\\\y")}"]\n`).message,
    )
      .toContain("security.permissions.file_write[0]");
  });

  it.each([
    ["Roman Numerals", 'Use "roman_numerals"'],
    ["../x", 'Use "x"'],
    ["..\\\\x", 'Use "x"'],
    ["/abs", 'Use "abs"'],
    ["a/b", 'Use "a_b"'],
    ["", "Use an id"],
    [".", "Use an id"],
    ["a\\u0000b", 'Use "a_b"'],
    ["a".repeat(300), `Use "${"a".repeat(64)}"`],
    ["\u0430bc", 'Use "bc"'],
    ["CON", "Use an id"],
    ["con", "Use an id"],
    ["lpt1", "Use an id"],
    ["-x", 'Use "x"'],
    ["1x", 'Use "x"'],
  ])("refuses the id %j", (id, fix) => {
    const found = only(MINIMAL.replace('"roman"', `"${id}"`));
    expect([found.line, found.fix]).toEqual([1, expect.stringContaining(fix)]);
  });

  it("finds everything at once, in the order of the lines", () => {
    const found = findings(
      'id = "A"\nnam = "x"\nversion = 1.0\n[[tools]]\n[[tools]]\nname = "b"\ndesc = "x"\n',
    );
    expect(found.map(({ line, message }) => [line, message])).toEqual([
      [undefined, "name is missing"],
      [1, 'id: an id has 1 to 64 characters a-z, 0-9, _ and -, and starts with a letter, found "A"'],
      [2, "unknown key nam"],
      [3, "version must be text in quotes, found 1"],
      [4, "tools[0].name is missing"],
      [7, "unknown key tools[1].desc"],
    ]);
  });

  it("finds the line behind texts and tables of several lines", () => {
    const text =
      `${MINIMAL}triggers = [\n  "a [",\n  'x = "',\n]\n[[tools]]\nname = "a"\ndescription = """\nmode = 1\n"""\n` +
      `[tools.input_schema]\ntype = "object"\n[[tools]]\nname = "b"\n"time out" = 3\n`;
    expect(only(text)).toMatchObject({ line: 18, message: "unknown key tools[1].time out" });
  });

  it.each([
    ["the size", `${MINIMAL}# ${"x".repeat(65 * 1024)}`, "limit"],
    ["a byte order mark", `\uFEFF${MINIMAL}`, "byte order mark"],
    ["prototype keys", `${MINIMAL}[__proto__]\nx = 1`, "not valid TOML"],
    ["depth", `${MINIMAL}${"a.".repeat(200)}b = 1`, "nested"],
    ["inline depth", `${MINIMAL}x = ${"[".repeat(5000)}`, "not valid TOML"],
  ])("bounds %s", (_name, text, reason) => {
    expect(only(text).message).toContain(reason);
  });
});

describe("parseManifest", () => {
  it("throws the first finding, with place and fix, and carries all", async () => {
    const error = await errorOf(() => parseManifest(`${MINIMAL}mode = "deamon"\nserv = "fd"\n`));
    expect(error).toMatchObject({
      code: "invalid_manifest",
      message: 'manifest.toml line 5: mode must be "daemon" or "one_shot", found "deamon" (and 1 more)',
      fix: 'Did you mean "daemon"?',
      details: { file: "manifest.toml", line: 5 },
    });
    expect(error.details?.["findings"]).toHaveLength(2);
  });

  it("throws typed errors for TOML that is none", async () => {
    type Row = { readonly id: string; readonly valid: boolean; readonly toml: string };
    // the parser takes 30 February for 1 March; no key of a manifest holds a date
    const rows = (dataLines("toml/sample.jsonl") as readonly Row[]).filter(({ id }) =>
      !id.includes("feb-30")
    );
    for (const { id, valid, toml } of rows) {
      const { code, message } = await errorOf(() => parseManifest(toml));
      expect([id, code, message.includes("not valid TOML")]).toEqual([id, "invalid_manifest", !valid]);
    }
  });

  it("throws nothing but SkillError whatever the bytes", () => {
    const piece = fc.oneof(
      fc.constantFrom(
        "[[tools]]\n",
        "name = 1\n",
        "[security.permissions]\n",
        "file_read = ['/']\n",
        "id = 'a'\n",
        "tools = 1\n",
      ),
      fc.tuple(
        fc.constantFrom("id", "tools", "triggers", "security", "dependencies", "metadata"),
        fc.jsonValue(),
      )
        .map(([key, value]) => `${key} = ${JSON.stringify(value)}\n`),
      fc.string({ unit: "binary" }),
    );
    const input = fc.oneof(
      fc.array(piece, { maxLength: 8 }).map((parts) => parts.join("")),
      fc.uint8Array({ maxLength: 200 }),
    );
    fc.assert(
      fc.property(input, (source) => {
        expect(readManifest(source)).toHaveProperty("ok");
        expect(foreignError(() => parseManifest(source))).toBeUndefined();
      }),
      { numRuns: tries(500, 50_000) },
    );
  });
});
