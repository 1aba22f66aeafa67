import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { SkillError } from "../../../src/base/errors.ts";
import { readSkillMd } from "../../../src/manifest/agent-skill/skill-md.ts";

interface Case {
  readonly id: string;
  readonly dir: string | null;
  readonly file: string;
  readonly content: string | null;
  readonly valid: boolean;
}

/** Cases of the reference implementation that hold a text; the others are about files that are missing. */
const cases = readFileSync(new URL("../../data/agentskills/fixtures.jsonl", import.meta.url), "utf8")
  .trimEnd().split("\n").map((line) => JSON.parse(line) as Case)
  .filter(({ content }) => content?.includes("\n") === true || content?.startsWith("#") === true);

/** Messages of everything above a hint, or of the error. */
function problems({ content, dir, file }: Case): readonly string[] {
  try {
    return readSkillMd(Buffer.from(content ?? ""), file, dir ?? undefined).findings
      .filter(({ severity }) => severity !== "hint").map(({ message }) => message);
  } catch (error) {
    return [SkillError.from(error, "invalid_manifest", "").message];
  }
}

describe("readSkillMd", () => {
  it("has cases of both kinds to be tried with", () => {
    expect(cases.filter(({ valid }) => valid).length).toBeGreaterThan(10);
    expect(cases.filter(({ valid }) => !valid).length).toBeGreaterThan(10);
  });

  it.each(cases.filter(({ valid }) => valid))("finds nothing wrong with $id", (one) => {
    expect(problems(one)).toEqual([]);
  });

  it.each(cases.filter(({ valid }) => !valid))("tells what is wrong with $id", (one) => {
    expect(problems(one)).not.toEqual([]);
  });

  it("gives name, description, metadata and body, and says that allowed-tools grants nothing", () => {
    const text =
      "---\nname: café\ndescription: Pours\nallowed-tools: Bash(rm:*)\nmetadata:\n  version: 2.1\n---\n# Do\n";
    const read = readSkillMd(Buffer.from(text), "SKILL.md", "café");
    expect(read).toMatchObject({
      name: "café",
      description: "Pours",
      metadata: { version: "2.1" },
      body: "# Do\n",
      findings: [{ severity: "hint", line: 4, message: expect.stringContaining("grants nothing") }],
    });
  });

  it("takes of metadata what is text, and wants a map", () => {
    const read = (metadata: string): unknown =>
      readSkillMd(Buffer.from(`---\nname: a\ndescription: b\nmetadata:${metadata}\n---\n`), "SKILL.md")
        .metadata;
    expect(read(' {"version": 2.10, "tool": {"needs": ["jq"]}}')).toEqual({ version: "2.10" });
    expect(read("")).toEqual({});
    expect(() => read(" text")).toThrow(/line 4: metadata must be a map/);
  });

  it("refuses what is too large or not text", () => {
    const large = Buffer.from(`---\nname: a\ndescription: b\n---\n${"x".repeat(300_000)}`);
    for (const bytes of [large, Buffer.from([0x2d, 0x2d, 0x2d, 0x0a, 0xff])]) {
      expect(() => readSkillMd(bytes, "SKILL.md")).toThrow(
        expect.objectContaining({ code: "invalid_manifest" }),
      );
    }
  });
});
