import { describe, expect, it } from "vitest";
import {
  compareVersions,
  matches,
  parseSpecifiers,
  parseVersion,
  type Version,
} from "../../src/environment/pep440.ts";

const version = (text: string): Version => {
  const parsed = parseVersion(text);
  if (parsed === undefined) throw new Error(`no version: ${text}`);
  return parsed;
};
const fits = (text: string, specifier: string): boolean =>
  matches(version(text), parseSpecifiers(specifier) ?? []);

describe("compareVersions", () => {
  it("orders as PEP 440 lists it", () => {
    const sorted = [
      "1.dev0",
      "1.0.dev456",
      "1.0a1",
      "1.0a2.dev456",
      "1.0a12",
      "1.0b1.dev456",
      "1.0b2",
      "1.0b2.post345.dev456",
      "1.0b2.post345",
      "1.0rc1",
      "1.0",
      "1.0+abc",
      "1.0.post456.dev34",
      "1.0.post456",
      "1.1.dev1",
      "1.10",
      "1!0.1",
    ];
    const shuffled = sorted.toSorted();
    expect(shuffled.sort((a, b) => compareVersions(version(a), version(b)))).toEqual(sorted);
  });

  it.each([["1.0", "1.0.0"], ["v1.0", "1"], ["1.0alpha1", "1.0a1"], ["1.0-1", "1.0.post1"]])(
    "finds %s equal to %s",
    (a, b) => expect(compareVersions(version(a), version(b))).toBe(0),
  );
});

describe("matches", () => {
  it.each([
    ["3.11.7", ">=3.9"],
    ["3.11.7", ">=3.11,<3.12"],
    ["3.11.7", "==3.11.*"],
    ["3.11.7", "~=3.9"],
    ["1.4.5", "~=1.4.2"],
    ["1.0+local", "==1.0"],
    ["2.0.post1", ">=2.0"],
    ["2.0", "!=2.1,!=1.*"],
    ["1.0rc1", "<1.0rc2"],
    ["1.0", ""],
  ])("lets %s fulfil %j", (text, specifier) => expect(fits(text, specifier)).toBe(true));

  it.each([
    ["3.11.7", ">=3.12"],
    ["3.11.7", "==3.1.*"],
    ["3.11.7", "==3.11"],
    ["3.11.7", ">=3.12,<3.11"],
    ["1.5.0", "~=1.4.2"],
    ["2.0rc1", "<2.0"],
    ["2.0.post1", ">2.0"],
    ["1.0", "==1.0+local"],
    ["2.1", "!=2.*"],
  ])("does not let %s fulfil %j", (text, specifier) => expect(fits(text, specifier)).toBe(false));
});

describe("parseSpecifiers", () => {
  it.each(["3.11", ">=", ">=abc", "=>3", "~=3", ">=3;", ">=3,,<4"])(
    "refuses %j",
    (text) => expect(parseSpecifiers(text)).toBeUndefined(),
  );

  it("answers at once when a version is very long", () => {
    expect(parseVersion("1".repeat(100_000) + "!")).toBeUndefined();
    expect(parseSpecifiers(`>=${"1.".repeat(100_000)}`)).toBeUndefined();
  });
});
