import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { sameText, strongCandidate } from "../../src/discovery/reuse.ts";

const pairs = readFileSync(new URL("../data/retrieval/near_duplicate_intents.jsonl", import.meta.url), "utf8")
  .trim().split("\n").map((line) => JSON.parse(line) as { a: string; b: string; same: boolean });

test.each([
  ["What is 1994 in Roman numerals?", "what is 1994 in roman   numerals"],
  ["run-length encode", "Run length encode!"],
  ["the café's menu", "the cafe\u0301s menu".replace("s menu", "'s menu")],
])("sameText of %j and %j: case, spaces and punctuation aside", (a, b) => {
  expect(sameText(a, b)).toBe(true);
});

test.each([
  ["snake case to camel case", "camel case to snake case"],
  ["round to 1.5", "round to 15"],
  ["add 1", "add -1"],
  ["parse c++", "parse c"],
  ["a + b", "a - b"],
  ["divisible by m or n", "divisible by m and n"],
  ["is valid", "is not valid"],
  ["", ""],
  ["?!", "..."],
])("sameText of %j and %j is refused", (a, b) => {
  expect(sameText(a, b)).toBe(false);
});

test("strongCandidate finds the trigger with the same content words in the same order", () => {
  const triggers = ["turn radians to degrees", "Write a function to find the maximum of two numbers."];
  expect(strongCandidate("please find maximum of the two numbers", triggers)).toBe(triggers[1]);
});

test.each([
  ["convert degrees to radians", "convert radians to degrees"],
  ["month with 30 days", "month with 31 days"],
  ["sum of repeated elements", "sum of non-repeated elements"],
  ["check whether it contains a and b", "check whether it contains a or b"],
  ["the a", "a the"],
])("strongCandidate refuses %j for %j", (intent, trigger) => {
  expect(strongCandidate(intent, [trigger])).toBeUndefined();
});

test("both rules take no pair of nearly equal wording that means something else", () => {
  const taken = (rule: (a: string, b: string) => boolean) => pairs.filter(({ a, b }) => rule(a, b));
  const strong = taken((a, b) => strongCandidate(a, [b]) !== undefined);
  expect(strong.length).toBeGreaterThanOrEqual(4);
  expect(strong.filter(({ same }) => !same)).toEqual([]);
  expect(taken(sameText).filter(({ same }) => !same)).toEqual([]);
});
