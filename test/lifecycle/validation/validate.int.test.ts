import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OpenedLibrary } from "../../../src/lifecycle/library.ts";
import { type TestHome, testHome } from "../support/open-home.ts";

let home: TestHome, library: OpenedLibrary;
beforeAll(async () => {
  home = testHome();
  library = await home.open();
});
afterAll(() => home.close());

const HEADER = "# /// script\n# dependencies = []\n# ///\n";
const TOOL =
  '[[tools]]\nname = "add"\ninput_schema = { type = "object", properties = { a = { type = "integer" }, ' +
  'b = { type = "integer" } }, required = ["a", "b"] }\n';

function manifest(more = ""): string {
  return `id = "s"\nname = "S"\nversion = "1.0.0"\ndescription = "A skill"\n${more}`;
}

async function rules(files: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const { findings } = await library.validate(home.write("s", { "manifest.toml": manifest(), ...files }));
  return findings.map(({ severity, rule, line }) =>
    `${severity} ${rule}${line === undefined ? "" : `:${line}`}`
  );
}

describe("validate", () => {
  it("finds nothing in a sound package and tells how it serves", async () => {
    const source = `${HEADER}\n\ndef add(a: int, b: int) -> int:\n    return a + b\n`;
    const report = await library.validate(
      home.write("s", { "manifest.toml": manifest(TOOL), "skill.py": source }),
    );
    expect(report).toMatchObject({ ok: true, findings: [], serve: "functions", dependencies: [] });
  });

  it.each<readonly [string, Record<string, string>, readonly string[]]>([
    ["a syntax error", { "skill.py": "def f(:\n" }, ["error script/syntax:1"]],
    [
      "a tool without function",
      { "manifest.toml": manifest(TOOL), "skill.py": "def ad(a, b):\n    pass\n" },
      ["error script/missing-function"],
    ],
    ["a parameter that the schema lacks", {
      "manifest.toml": manifest(TOOL),
      "skill.py": "def add(a, b, c):\n    pass\n",
    }, ["error script/parameters:1"]],
    ["a property that the function lacks", {
      "manifest.toml": manifest(TOOL),
      "skill.py": "def add(a):\n    pass\n",
    }, ["error script/parameters:1"]],
    ["a default where the schema requires", {
      "manifest.toml": manifest(TOOL),
      "skill.py": "def add(a, b=1):\n    pass\n",
    }, []],
    ["a required parameter that is optional in the schema", {
      "manifest.toml": manifest(TOOL.replace('["a", "b"]', '["a"]')),
      "skill.py": "def add(a, b):\n    pass\n",
    }, ["warning script/parameters:1"]],
    ["keyword arguments taken freely", {
      "manifest.toml": manifest(TOOL),
      "skill.py": "def add(**given):\n    pass\n",
    }, []],
    [
      "the whole input taken",
      { "manifest.toml": manifest(TOOL), "skill.py": "def add(input):\n    pass\n" },
      [],
    ],
    ["no tool to choose", { "skill.py": "def a():\n    pass\n\n\ndef b():\n    pass\n" }, [
      "error script/no-tool",
    ]],
    ["an undeclared package", { "skill.py": "import yaml\n\n\ndef invoke():\n    pass\n" }, [
      "error script/unknown-import:1",
    ]],
    ["an import that may be missing", {
      "skill.py":
        "try:\n    import yaml\nexcept ImportError:\n    yaml = None\n\n\ndef invoke():\n    pass\n",
    }, []],
    ["a module of the package", {
      "skill.py": "import json, helper\n\n\ndef invoke():\n    pass\n",
      "helper.py": "",
    }, []],
    ["a dependency with another name", {
      "skill.py":
        '# /// script\n# dependencies = ["PyYAML>=6"]\n# ///\nimport yaml\n\n\ndef invoke():\n    pass\n',
    }, []],
    ["a dependency that is not used", {
      "skill.py": '# /// script\n# dependencies = ["httpx"]\n# ///\n\n\ndef invoke():\n    pass\n',
    }, ["hint script/unused-dependency"]],
    ["an import beside another dependency", {
      "skill.py":
        '# /// script\n# dependencies = ["httpx"]\n# ///\nimport httpx, numpy\n\n\ndef invoke():\n    pass\n',
    }, ["warning script/unknown-import:4"]],
    ["a dependency by its module's name", {
      "skill.py":
        '# /// script\n# dependencies = ["yaml", "PIL"]\n# ///\nimport yaml\nfrom PIL import Image\n\n\ndef invoke():\n    pass\n',
    }, ["warning script/misnamed-dependency:4", "warning script/misnamed-dependency:5"]],
    ["a name that nobody defines", {
      "skill.py":
        "def invoke(text: str) -> str:\n    return helper(text)\n\n\ndef late() -> int:\n    return LATER\n\n\nLATER = 1\n",
    }, ["warning script/undefined-name:2"]],
    ["a statement that parses and does not compile", { "skill.py": "return 1\n" }, ["error script/syntax:1"]],
    ["a Python that is not here", {
      "skill.py": '# /// script\n# requires-python = ">=3.99"\n# ///\ndef invoke():\n    pass\n',
    }, ["warning script/requires-python"]],
    ["a parameter that has no name for callers", {
      "manifest.toml": manifest(TOOL),
      "skill.py": "def add(a, /, b):\n    pass\n",
    }, ["error script/parameters:1", "error script/parameters:1"]],
    ["a type that differs from the schema's", {
      "manifest.toml": manifest(TOOL),
      "skill.py": "def add(a: str, b: float) -> float:\n    return b\n",
    }, ["warning script/types:1"]],
    ["JSON-RPC without its methods", {
      "manifest.toml": manifest('serve = "stdio"\n'),
      "skill.py": "print(1)\n",
    }, [
      "error script/protocol",
      "warning script/protocol",
    ]],
    ["code made at run time", { "skill.py": "def invoke(text: str):\n    return eval(text)\n" }, [
      "warning security/dynamic-code:2",
    ]],
    ["a process that it may not start", {
      "skill.py": "import subprocess as sp\n\n\ndef invoke():\n    sp.run(['ls'])\n",
    }, ["warning security/process:5"]],
    ["a process that it may start", {
      "manifest.toml": manifest("[security.permissions]\nprocess_spawn = true\n"),
      "skill.py": "import subprocess as sp\n\n\ndef invoke():\n    sp.run(['ls'])\n",
    }, []],
    ["the network without leave", {
      "skill.py": "import urllib.request\n\n\ndef invoke():\n    urllib.request.urlopen('http://x')\n",
    }, ["warning security/network:5"]],
    ["a key in the source", { "skill.py": `KEY = "AKIA${"A".repeat(16)}"\n\n\ndef invoke():\n    pass\n` }, [
      "warning security/secret-in-source:1",
    ]],
    ["signs that nobody sees and places of secrets", {
      "skill.py":
        'NOTE = "\u202eevil"\nZERO = "a\u200bb"\n\n\ndef invoke():\n    return open("/proc/self/environ").read()\n',
    }, [
      "warning security/hidden-text:1",
      "warning security/hidden-text:2",
      "warning security/foreign-secrets:6",
    ]],
    ["a permission beyond the host's", {
      "manifest.toml": manifest('[security.permissions]\nfile_read = ["/usr/share"]\n'),
      "skill.py": "def invoke():\n    pass\n",
    }, ["error security/permission"]],
    ["an example of a tool that is not there", {
      "skill.py": "def invoke():\n    pass\n",
      "tests/examples.jsonl": '{"tool": "x", "input": {}}\n',
    }, ["error tests/unknown-tool"]],
    ["an example that is none", { "skill.py": "def invoke():\n    pass\n", "tests/examples.jsonl": "{}\n" }, [
      "error package/invalid-package",
    ]],
    ["a manifest with a wrong key", { "manifest.toml": manifest("nmae = 1\n"), "skill.py": "" }, [
      "error manifest/unknown-key:5",
    ]],
  ])("tells of %s", async (_what, files, expected) => {
    expect((await rules(files)).map((rule) => rule)).toEqual(expected);
  });

  it.each([
    ["a manifest", { "skill.py": HEADER }, "[tool.skillwright]"],
    ["an entry script", { "manifest.toml": manifest() }, "entry file skill.py"],
    ["anything in the entry script", { "manifest.toml": manifest(), "skill.py": "" }, "no public function"],
  ])("finds an error when there is not %s", async (_what, files, message) => {
    const { ok, findings } = await library.validate(home.write("lacking", files));
    expect(ok).toBe(false);
    expect(findings).toContainEqual(
      expect.objectContaining({ severity: "error", message: expect.stringContaining(message) }),
    );
  });

  it("throws only when there is nothing at the path", async () => {
    await expect(library.validate("/nonexistent/package")).rejects.toMatchObject({ code: "not_found" });
    expect(await library.validate(home.write("empty", { "readme.txt": "" }))).toMatchObject({ ok: false });
  });
});
