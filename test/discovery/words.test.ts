import { expect, test } from "vitest";
import { lexicalTerms, splitName, splitWords, stem } from "../../src/discovery/words.ts";

test.each([
  ["FinanceTool", "finance tool"],
  ["PDF&URLTool", "pdf url tool"],
  ["csv2json", "csv 2 json"],
  ["roman_numerals-v2", "roman numerals v 2"],
  ["HTTPServer", "http server"],
  ["überGröße", "über größe"],
  ["हिन्दी", "हिन्दी"],
  ["", ""],
])("splitName of %j is %j", (name, phrase) => {
  expect(splitName(name)).toBe(phrase);
});

test("splitWords survives control characters, lone surrogates and nothing at all", () => {
  expect(splitWords("a\u0000b\u202ec \ud800d")).toEqual(["a", "b", "c", "d"]);
  expect(splitWords("")).toEqual([]);
});

test.each([
  ["converting", "convert"],
  ["converted", "convert"],
  ["converts", "convert"],
  ["running", "run"],
  ["queries", "query"],
  ["boxes", "box"],
  ["files", "fil"],
  ["file", "fil"],
  ["class", "class"],
  ["status", "status"],
  ["sing", "sing"],
  ["red", "red"],
  ["1994s", "1994s"],
])("stem of %s is %s", (word, stemmed) => {
  expect(stem(word)).toBe(stemmed);
});

test("lexicalTerms drops what requests are made of and keeps a short identifier joined as well", () => {
  expect(lexicalTerms("Could you please help me to use csv2json?")).toEqual(["csv", "2", "json", "csv2json"]);
});

test("lexicalTerms takes 100 KB in linear time", () => {
  expect(lexicalTerms("a1".repeat(50_000))).toHaveLength(50_000);
});
