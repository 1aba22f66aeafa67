import { describe, expect, it } from "vitest";
import { normalizeName, parseRequirement } from "../../src/manifest/requirements.ts";
import { errorOf } from "./helpers.ts";

describe("parseRequirement", () => {
  it.each([
    ["requests", { name: "requests", extras: [], specifier: "" }],
    ["requests<3", { name: "requests", extras: [], specifier: "<3" }],
    [" foo == 3.1 ", { name: "foo", extras: [], specifier: "== 3.1" }],
    ["zope.interface ( >=5,!=5.1.* )", { name: "zope.interface", extras: [], specifier: ">=5,!=5.1.*" }],
    ["httpx[http2, cli] ~=0.27", { name: "httpx", extras: ["http2", "cli"], specifier: "~=0.27" }],
    ["a[]", { name: "a", extras: [], specifier: "" }],
    ["torch==2.1+cpu", { name: "torch", extras: [], specifier: "==2.1+cpu" }],
    ["x>=1!2.0rc1", { name: "x", extras: [], specifier: ">=1!2.0rc1" }],
    [
      "tomli>=2 ; python_version < '3.11' and (os_name == \"posix\" or 'linux' in sys_platform)",
      {
        name: "tomli",
        extras: [],
        specifier: ">=2",
        marker: "python_version < '3.11' and (os_name == \"posix\" or 'linux' in sys_platform)",
      },
    ],
    ["a; sys_platform not in 'win32 cygwin'", {
      name: "a",
      extras: [],
      specifier: "",
      marker: "sys_platform not in 'win32 cygwin'",
    }],
  ])("accepts %s", (text, requirement) => {
    expect(parseRequirement(text)).toEqual(requirement);
  });

  it.each([
    ["pkg @ https://example.invalid/pkg.whl", "by URL"],
    ["pkg[x]@git+https://example.invalid/x.git", "by URL"],
    ["git+https://example.invalid/x.git", "by URL"],
    ["file:///etc/passwd", "by URL"],
    ["./local", "by path"],
    ["../pkg", "by path"],
    ["C:\\pkg", "by URL"],
    ["sub/pkg", "by path"],
    ["pkg-1.0-py3-none-any.whl", "by path"],
    ["-e .", "options of pip"],
    ["--index-url=https://evil.invalid", "options of pip"],
    ["", "package name"],
    ["_x", "package name"],
    ["pkg[", "closing"],
    ["pkg[a b]", "extra"],
    ["pkg 1.0", "no comparison"],
    ["pkg=1", "not a version clause"],
    ["pkg>=1,", "comma"],
    ["pkg>=1.*", "goes with == and !="],
    ["pkg~=1", "two numbers"],
    ["pkg==x", "PEP 440"],
    ["pkg; python_versio < '3'", "not a marker variable"],
    ["pkg; python_version", "comparisons"],
    ["pkg; 'a' == 'b'", "one side must be a variable"],
    ["pkg; extra == 'x'", "not a marker variable"],
    ["pkg; (python_version < '3'", "parenthesis"],
    ["pkg; python_version < '3' '4'", "not expected"],
    [`pkg; ${"(".repeat(40)}`, "nested"],
    [`pkg; python_version < '3`, "can't be read"],
    [`pkg>=${"1".repeat(600)}`, "limit"],
    ["pkg\n--hash=sha256:00", "not a version clause"],
  ])("refuses %j", async (text, reason) => {
    const error = await errorOf(() => parseRequirement(text));
    expect(error.code).toBe("invalid_script");
    expect(error.message).toContain(reason);
    expect(error.fix).toBeDefined();
  });
});

describe("normalizeName", () => {
  it("gives one spelling", () => {
    expect(normalizeName("Zope._-Interface")).toBe("zope-interface");
  });
});
