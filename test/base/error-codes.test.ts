import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { errorClass } from "../../src/base/error-class.ts";
import { SKILL_ERROR_CODES, type SkillErrorCode } from "../../src/base/errors.ts";
import { fromWireError, WIRE_CODES } from "../../src/runner/wire/wire.ts";

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

/** The rows of a table of docs/errors.md, by the beginning of its head. */
function rows(head: string): readonly (readonly string[])[] {
  const [, table = ""] = read("docs/errors.md").split(`\n| ${head}`);
  const [, , ...lines] = (table.split("\n\n")[0] ?? "").trimEnd().split("\n");
  return lines.map((line) => line.replaceAll("`", "").split("|").slice(1, -1).map((cell) => cell.trim()));
}

test("docs/errors.md lists exactly the codes of a SkillError, each with its class and meaning", () => {
  const codes = Object.entries(SKILL_ERROR_CODES);
  expect(codes.filter(([code, meaning]) => !/^[a-z][a-z_]+$/.test(code) || meaning.length < 10)).toEqual([]);
  expect(rows("code |")).toEqual(codes.map(([code, meaning]) => [
    code,
    errorClass({ code: code as SkillErrorCode, details: undefined }),
    meaning,
  ]));
});

test("docs/errors.md lists exactly the codes of the wire, with what they become", () => {
  const what = (code: number) => fromWireError({ code, message: "" }, "s", "loop").code;
  expect(rows("wire code |").map((cells) => cells.slice(0, 3))).toEqual(
    Object.entries(WIRE_CODES).map(([name, code]) => [String(code), name, what(code)]),
  );
});

test("the serving loop uses the codes of the wire by the same numbers", () => {
  const python = `${read("python/wire.py")}${read("python/serve_concurrent.py")}`;
  const numbers = new Set([...python.matchAll(/-32\d{3}/g)].map(Number));
  expect(numbers).toEqual(new Set(Object.values(WIRE_CODES)));
});
