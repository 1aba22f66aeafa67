import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { sha256 } from "../../src/base/digest.ts";
import type { SkillProgram } from "../../src/runner/types.ts";
import { fixtureProgram, temporaryFolder, testRunner } from "./support.ts";

const ENTRY = "import helper\n\n\ndef tell():\n    return helper.WORD\n";
const HELPER = "WORD = 'checked'\n";

/** A skill of two files, with the digests that were found when it was checked. */
function checkedProgram(overrides: Partial<SkillProgram> = {}): SkillProgram {
  const source = temporaryFolder();
  writeFileSync(join(source, "skill.py"), ENTRY);
  writeFileSync(join(source, "helper.py"), HELPER);
  return fixtureProgram("functions.py", {
    id: "checked",
    key: source,
    source,
    entry: join(source, "skill.py"),
    tools: ["tell"],
    digests: { "skill.py": sha256(ENTRY), "helper.py": sha256(HELPER) },
    ...overrides,
  });
}

describe("a program with digests", () => {
  test("runs when its files have them", async () => {
    const { value } = await testRunner().call(checkedProgram(), { tool: "tell", input: {} });
    expect(value).toBe("checked");
  });

  test.each(["skill.py", "helper.py"])("runs no line of %s when it has changed since", async (file) => {
    const program = checkedProgram();
    writeFileSync(join(program.source, file), "def tell():\n    return 'changed'\n\n\nWORD = 'changed'\n");
    await expect(testRunner().call(program, { tool: "tell", input: {} })).rejects.toThrow(
      `"${file}" is not what was installed`,
    );
  });

  test("does not import a file that came later", async () => {
    const program = checkedProgram({ digests: { "skill.py": sha256(ENTRY) } });
    await expect(testRunner().call(program, { tool: "tell", input: {} })).rejects.toThrow(
      '"helper.py" is not what was installed',
    );
  });

  test("that speaks for itself runs no changed line either", async () => {
    const program = checkedProgram({ serve: "stdio" });
    writeFileSync(program.entry, "print('changed')\n");
    await expect(testRunner().call(program, { tool: "tell", input: {} })).rejects.toThrow(
      '"skill.py" is not what was installed',
    );
  });
});
