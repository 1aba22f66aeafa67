import { expect, test } from "vitest";
import { graphContext } from "../../src/graph/config.ts";
import {
  type Draft,
  runWriteTool,
  type ToolReply,
  writeToolDefinitions,
} from "../../src/graph/write-tools.ts";
import { capitals, examples, right } from "./capitals.ts";
import { memorySkills } from "./memory-library.ts";
import type { PackageFiles } from "../../src/lifecycle/packages/package-text.ts";

const scope = {
  context: graphContext({ skills: memorySkills(capitals) }),
  shown: examples,
  candidates: [],
  signal: undefined,
};
const draftOf = (files: PackageFiles): Draft => ({ files, staged: null });
const call = (files: PackageFiles, name: string, args: unknown = {}): Promise<ToolReply> =>
  runWriteTool(draftOf(files), name, args, scope);

test("the maker's tools write, edit and read files, check both of them, and run the tests", () => {
  expect(writeToolDefinitions().map((tool) => tool.function.name)).toEqual([
    "write_skill_file",
    "edit_skill_file",
    "read_skill_file",
    "validate_manifest",
    "validate_script",
    "run_tests",
  ]);
});

test("read_skill_file gives what was written, and names what is there when nothing is", async () => {
  expect(await call(right, "read_skill_file", { path: "skill.py" })).toMatchObject({
    ok: true,
    text: "upper",
  });
  expect(await call(right, "read_skill_file", { path: "other.py" })).toMatchObject({
    ok: false,
    text: expect.stringContaining("the files are: manifest.toml, skill.py"),
  });
});

test("run_tests says what fails of the examples that were shown, and that all is well", async () => {
  expect(await call(right, "run_tests")).toMatchObject({ ok: true, text: "All tests pass." });
  const wrong = await call({ ...right, "skill.py": "lower" }, "run_tests");
  expect(wrong).toMatchObject({ ok: false });
  expect(wrong.text).toContain('input: {"text":"a"}\n   expected: "A"\n   got: "a"');
});

test("edit_skill_file changes a part of a file and shows the change", async () => {
  const reply = await call(right, "edit_skill_file", { path: "./skill.py", old: "upp", new: "low" });
  expect(reply).toMatchObject({ ok: true, draft: { files: { ...right, "skill.py": "lower" } } });
  expect(reply.text).toContain("-upper\n+lower");
  const patched = await call(right, "edit_skill_file", {
    path: "skill.py",
    diff: "@@ -1 +1 @@\n-upper\n+lower\n",
  });
  expect(patched.draft.files["skill.py"]).toBe("lower");
});

test.each([
  [{ path: "skill.py", old: "lower", new: "upper" }, "old does not stand in the file"],
  [{ path: "skill.py", old: "p", new: "q" }, "more than once"],
  [{ path: "skill.py", old: "upper", new: "upper" }, "leaves"],
  [{ path: "skill.py", old: "upper" }, "neither old and new nor a diff"],
  [{ path: "skill.py", diff: "-upper\n+lower" }, "no hunk"],
  [{ path: "gone.py", old: "a", new: "b" }, "there is no file"],
  [{ path: "../skill.py", old: "a", new: "b" }, "is not accepted"],
  [{ path: "skill.py", old: "upper", new: "u\0" }, "not text"],
  [{ path: "skill.py", old: "upper", new: "u".repeat(300_000) }, "the limit is"],
])("edit_skill_file of %j is refused with words, and changes nothing", async (args, said) => {
  expect(await call(right, "edit_skill_file", args)).toMatchObject({
    ok: false,
    draft: { files: right },
    text: expect.stringContaining(said),
  });
});
