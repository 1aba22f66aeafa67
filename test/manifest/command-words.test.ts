import { expect, test } from "vitest";
import { commandLineProblem, commandWords, packageProgramProblem } from "../../src/manifest/command-words.ts";
import { parseManifest } from "../../src/manifest/manifest.ts";

test.each([
  ["echo 'Fallback executed'", ["echo", "Fallback executed"]],
  ["  a\tb  ", ["a", "b"]],
  [`a "b c"d '' ""`, ["a", "b cd", "", ""]],
  [`a "x\\"y\\z" '\\n' b\\ c`, ["a", `x"y\\z`, "\\n", "b c"]],
  ["a $HOME `id` | b; c > d *", ["a", "$HOME", "`id`", "|", "b;", "c", ">", "d", "*"]],
  ["", []],
])("commandWords splits %j", (line, words) => expect(commandWords(line)).toEqual(words));

test.each(["a 'b", 'a "b', "a \\"])("commandWords refuses %j", (line) => {
  expect(commandWords(line)).toBeUndefined();
});

test.each(["python fallback.py", "./bin/run.sh -x", "echo"])("commandLineProblem accepts %j", (line) => {
  expect(commandLineProblem(line)).toBeUndefined();
});

test.each(["/bin/sh -c x", "../x", "./../x", "./a//b", "bin/x", "-x", "''", "  ", "a 'b", "a\0b", "~/x"])(
  "commandLineProblem refuses %j",
  (line) => expect(commandLineProblem(line)).toBeTypeOf("string"),
);

test.each([[["./serve.sh", "-x"]], [["./bin/serve"]]])("packageProgramProblem accepts %j", (words) => {
  expect(packageProgramProblem(words)).toBeUndefined();
});

test.each([[["serve.sh"]], [["/bin/sh"]], [["./../x"]], [["./x", "a\0"]], [[]]])(
  "packageProgramProblem refuses %j",
  (words) => expect(packageProgramProblem(words)).toBeTypeOf("string"),
);

test("a manifest with a command starts that file, and can't serve functions by it", () => {
  const head = 'id = "s"\nname = "S"\nversion = "1.0.0"\ndescription = "d"\ncommand = ["./bin/serve.sh"]\n';
  expect(parseManifest(head).manifest).toMatchObject({
    command: ["./bin/serve.sh"],
    entry_file: "bin/serve.sh",
  });
  expect(() => parseManifest(`${head}serve = "functions"\n`)).toThrow("can't serve by functions");
});
