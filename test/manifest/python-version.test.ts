import { describe, expect, it } from "vitest";
import { comparePythonVersions, parsePythonVersion } from "../../src/manifest/pep440.ts";
import { satisfiesPython } from "../../src/manifest/python-version.ts";
import { errorOf } from "./helpers.ts";

describe("satisfiesPython", () => {
  it.each([
    ["3.11.7", ">=3.11", true],
    ["3.10.9", ">=3.11", false],
    ["3.9.1", ">=3.10", false],
    ["3.11.7", ">=3.12,<3.11", false],
    ["3.11.7", ">= 3.9 , < 3.14", true],
    ["3.14.0rc1", ">=3.14", true],
    ["3.11.7", "==3.11", false],
    ["3.11.0", "==3.11", true],
    ["3.11.7", "==3.11.*", true],
    ["3.1.7", "==3.11.*", false],
    ["3.11.7", "!=3.11.*", false],
    ["3.12.0", "!=3.11.*", true],
    ["3.11.7", "~=3.11", true],
    ["4.0", "~=3.11", false],
    ["3.12.1", "~=3.11.2", false],
    ["3.11.2", "~=3.11.2", true],
    ["3.11.2", ">3.11", true],
    ["3.11.0", ">3.11", false],
    ["3.11.0", "<=3.11", true],
    ["3.99", ">=3.99", true],
    ["3.11.7", "", true],
  ])("of %s and %j is %s", (version, specifier, answer) => {
    expect(satisfiesPython(version, specifier)).toBe(answer);
  });

  it("throws typed errors for what it can't read", async () => {
    expect((await errorOf(() => satisfiesPython("3.11", "3.11"))).code).toBe("invalid_script");
    expect((await errorOf(() => satisfiesPython("3.11", "===3.11"))).code).toBe("invalid_script");
    expect((await errorOf(() => satisfiesPython("python", ">=3"))).code).toBe("invalid_input");
  });
});

describe("comparePythonVersions", () => {
  it("orders as PEP 440 does", () => {
    const ordered = [
      "1.dev1",
      "1a1.dev1",
      "1a1",
      "1a2",
      "1b1",
      "1rc1",
      "1",
      "1.post1.dev1",
      "1.post1",
      "1.0.1",
      "1.10",
      "1!0.1",
    ];
    const versions = ordered.map((text) => parsePythonVersion(text)).filter((version) =>
      version !== undefined
    );
    expect(versions).toHaveLength(ordered.length);
    const shuffled = versions.toReversed().sort(comparePythonVersions);
    expect(shuffled).toEqual(versions);
    expect(versions.map((version) => comparePythonVersions(version, version))).toEqual(versions.map(() => 0));
  });
});
