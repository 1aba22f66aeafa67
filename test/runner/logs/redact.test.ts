import { expect, test } from "vitest";
import { Redactor } from "../../../src/runner/logs/redact.ts";

const SECRET = "first line\nsecond";

test("Redactor.pieces finds a value wherever it is cut, and passes on all else", () => {
  const text = `a ${SECRET} b first c`;
  for (let cut = 0; cut <= text.length; cut++) {
    let heard = "";
    const take = new Redactor({ KEY: SECRET }).pieces((piece) => heard += piece);
    for (const piece of [text.slice(0, cut), text.slice(cut), "\n"]) take(piece);
    expect(heard).toBe("a [redacted KEY] b first c\n");
  }
});

test("Redactor.pieces holds back no more than what may be the beginning of a value", () => {
  const heard: string[] = [];
  const take = new Redactor({ KEY: SECRET, OTHER: "0123456789" }).pieces((piece) => void heard.push(piece));
  for (const piece of ["plain", "x first", "ly", "012"]) take(piece);
  expect(heard).toEqual(["plain", "x ", "firstly"]);
});
