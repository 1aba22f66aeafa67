import { afterAll, beforeAll, expect, test } from "vitest";
import { generateProposal, installProposal } from "../../src/graph/generate.ts";
import { type TemporarySkills, temporarySkills } from "../operations/temporary-skills.ts";
import { scriptedMaker, sentText, writes } from "./scripted-maker.ts";
import { ROMAN, ROMAN_EXAMPLES, ROMAN_INTENT } from "./support/roman.ts";

let home: TemporarySkills;
beforeAll(async () => {
  home = await temporarySkills();
});
afterAll(() => home.close());

test("a variant becomes a new version that keeps what the old one does, checked by a second model", async () => {
  const first = await generateProposal({
    skills: home.skills,
    model: scriptedMaker(
      writes({ ...ROMAN, "tests/examples.jsonl": '{"input": {"number": 9}, "expected": "IX"}\n' }),
      "done",
    ),
  }, { intent: ROMAN_INTENT, examples: ROMAN_EXAMPLES });
  if (first.outcome !== "proposed") throw new Error(JSON.stringify(first));
  await installProposal(home.skills, first.proposal, { approvedDigest: first.proposal.digest });

  const script = ROMAN["skill.py"] ?? "";
  const both = script.replace("number: int)", "number: int, lower: bool = False)")
    .replace("return text", "return text.lower() if lower else text");
  const lower = both.replace("text.lower() if lower else text", "text.lower()");
  const manifest = (ROMAN["manifest.toml"] ?? "").replace('version = "1.0.0"', 'version = "1.1.0"')
    .replace(
      'number = { type = "integer" } }',
      'number = { type = "integer" }, lower = { type = "boolean" } }',
    );
  const model = scriptedMaker(
    writes({ "manifest.toml": manifest, "skill.py": lower }),
    "done",
    writes({ "skill.py": both }),
    "done",
  );
  const verifier = scriptedMaker([{
    name: "write_checks",
    args: {
      checks: [
        { input: { number: 4, lower: true }, expected: "iv" },
        { input: { number: 4 }, expected: "IIII" },
        { input: { number: -1 }, expected_error: true },
      ],
    },
  }]);
  model.respond(() => new Error("it is not asked a third time"));
  const second = await generateProposal({
    skills: home.skills,
    model,
    verifier,
    config: { max_test_rounds: 2 },
  }, {
    intent: "turn a whole number into a Roman numeral in small letters",
    examples: [{ input: { number: 4, lower: true }, expected: "iv" }],
  });
  expect(second).toMatchObject({
    outcome: "proposed",
    proposal: {
      skill_id: "roman",
      version: "1.1.0",
      rounds: 2,
      reuse: expect.stringContaining("roman"),
      findings: expect.arrayContaining([
        expect.objectContaining({
          rule: "graph/verifier",
          message: 'the verifier expects "IIII" for {"number":4}, it answers "IV"',
        }),
      ]),
    },
  });
  expect(sentText(model.calls[2]?.messages ?? [])).toContain(
    "It breaks what version 1.0.0 of this skill does",
  );
});
