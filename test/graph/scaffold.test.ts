import * as fc from "fast-check";
import { parse } from "smol-toml";
import { expect, test } from "vitest";
import { freeId, scaffoldPackage } from "../../src/graph/scaffold.ts";

test("freeId takes the telling words, and a number when the id is in use", () => {
  expect(freeId("Please turn a year into Roman numerals", new Set())).toBe("turn_year_into_roman_numerals");
  expect(freeId("convert", new Set(["convert", "convert_2"]))).toBe("convert_3");
  expect(freeId("2 plus 2", new Set())).toBe("skill_2_plus_2");
  expect(freeId("日本語", new Set())).toBe("skill");
});

test("scaffoldPackage is well formed for any text", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), fc.string(), (intent, more) => {
    const id = freeId(intent, new Set());
    expect(id).toMatch(/^[a-z][a-z0-9_-]{0,63}$/);
    const files = scaffoldPackage({ id, description: intent + more });
    expect(parse(files["manifest.toml"] ?? "")).toMatchObject({ id, serve: "functions" });
    const literal = /^INTENT = (".*")$/m.exec(files["skill.py"] ?? "")?.[1];
    expect(typeof JSON.parse(literal ?? "")).toBe("string");
  }));
});
