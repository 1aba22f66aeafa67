import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { createPackage } from "../../src/operations/new.ts";
import { perform } from "../../src/operations/perform.ts";
import type { OperationContext, OperationSkills } from "../../src/operations/types.ts";

const folder = mkdtempSync(join(tmpdir(), "skillwright-new-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

// this operation looks at no home
const context: OperationContext = { skills: {} as OperationSkills, actor: { via: "code" } };
const make = (input: unknown) => perform(createPackage, context, input);

test("new writes a package whose id comes from the folder's name", async () => {
  const dir = join(folder, "Word Count!");
  const made = await make({ dir, description: 'Counts "words"\nand more' });
  expect(made).toEqual({ package_dir: dir, id: "word_count", files: ["manifest.toml", "skill.py"] });
  expect(readFileSync(join(dir, "manifest.toml"), "utf8")).toContain('id = "word_count"');
});

test("new takes another id when it is given one", async () => {
  const dir = join(folder, "123");
  await expect(make({ dir })).rejects.toMatchObject({
    code: "invalid_input",
    message: expect.stringContaining('"123" cannot be an id'),
  });
  expect(await make({ dir, id: "one_two_three" })).toMatchObject({ id: "one_two_three" });
});

test("new writes nothing when the id is refused", async () => {
  const dir = join(folder, "refused");
  await expect(make({ dir, id: "Bad Id" })).rejects.toMatchObject({ code: "invalid_input" });
  await expect(make({ dir, id: "nul" })).rejects.toMatchObject({ code: "invalid_input" });
  expect(readdirSync(folder)).not.toContain("refused");
});

test("new leaves a folder alone that holds something", async () => {
  const dir = join(folder, "taken");
  mkdirSync(dir);
  expect(await make({ dir })).toMatchObject({ id: "taken" });
  await expect(make({ dir })).rejects.toMatchObject({ code: "conflict", fix: expect.any(String) });
  const file = join(folder, "file");
  writeFileSync(file, "mine");
  await expect(make({ dir: file })).rejects.toMatchObject({ code: "invalid_input" });
  expect(readFileSync(file, "utf8")).toBe("mine");
});
