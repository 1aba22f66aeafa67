import { describe, expect, it } from "vitest";
import { parseRequirements } from "../../../src/environment/install/requirement.ts";

describe("parseRequirements", () => {
  it("reads names, extras, ranges and markers when they are of the index", () => {
    const texts = [
      "httpx",
      "Ruamel_Yaml >=0.17, <1",
      "uvicorn[standard]~=0.30",
      "six (==1.16.0)",
      "a; sys_platform == 'win32'",
    ];
    const read = parseRequirements(texts);
    expect(read.map(({ name }) => name)).toEqual(["httpx", "ruamel-yaml", "uvicorn", "six", "a"]);
    expect(read.map(({ clauses }) => clauses.length)).toEqual([0, 2, 1, 1, 0]);
    expect(read[4]?.marker).toBe("sys_platform == 'win32'");
  });

  it.each([
    "httpx @ https://example.com/httpx.whl",
    "httpx@git+https://example.com/httpx",
    "git+https://example.com/httpx",
    "./local",
    "../local",
    "/absolute/wheel.whl",
    "~/wheel.whl",
    "file:///wheel.whl",
    "-r other.txt",
    "--index-url=https://example.com",
    "httpx --hash=sha256:00",
    "httpx\n--index-url https://example.com",
    "httpx>=",
    "httpx 1.0",
    "",
    "httpx\u202e",
    `a${"a".repeat(600)}`,
  ])("refuses %j", (text) => {
    expect(() => parseRequirements([text])).toThrow(expect.objectContaining({ code: "dependency_refused" }));
  });

  it("refuses more than it can be meant", () => {
    const many = Array.from({ length: 201 }, (_, index) => `a${index}`);
    expect(() => parseRequirements(many)).toThrow(/too many/);
    expect(parseRequirements(many.slice(1))).toHaveLength(200);
  });
});
