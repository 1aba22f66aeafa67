import { afterAll, beforeAll, expect, test } from "vitest";
import { createHost } from "../../src/host/host.ts";
import { scriptedMaker, sentText, writes } from "../graph/scripted-maker.ts";
import { ROMAN, ROMAN_EXAMPLES, ROMAN_INTENT } from "../graph/support/roman.ts";
import { type TemporarySkills, temporarySkills } from "../operations/temporary-skills.ts";
import type { SkillProposal } from "../../src/lifecycle/changes/proposals.ts";

let home: TemporarySkills;
beforeAll(async () => {
  home = await temporarySkills();
});
afterAll(() => home.close());

test("a host lists, shows, edits, rejects with retry, and approves proposals", async () => {
  const better = `${ROMAN["skill.py"]}\n# with a word of thanks\n`;
  const model = scriptedMaker(writes(ROMAN), "done", writes({ "skill.py": better }), "done");
  const host = createHost({
    skills: home.skills,
    actor: { via: "host" },
    maker: { model, name: "scripted" },
  });
  const ask = async (command: string, payload: object) => {
    const answer = await host.handle({ v: 1, request_id: "1", command, payload });
    return (answer.ok ? answer.payload : { error: answer.error }) as {
      proposal: SkillProposal;
      next: { proposal: SkillProposal };
    };
  };

  const { proposal: first } = await ask("skill.generate", { intent: ROMAN_INTENT, examples: ROMAN_EXAMPLES });
  expect(await ask("skill.proposals", { status: "pending" })).toMatchObject({
    proposals: [{ id: first.id }],
  });
  expect(await ask("skill.proposal", { id: first.id })).toMatchObject({
    replaces: null,
    new_permissions: [],
    diff: expect.stringContaining("+++ b/skill.py"),
  });

  const { next: { proposal: second } } = await ask("skill.reject", {
    id: first.id,
    reason: "say thanks",
    retry: true,
  });
  expect(second).toMatchObject({ status: "pending", tests: { passed: true }, files: { "skill.py": better } });
  expect(second.tests?.given).toHaveLength(ROMAN_EXAMPLES.length);
  expect(sentText(model.calls[2]?.messages ?? [])).toContain("say thanks");

  expect(await ask("skill.proposal.edit", { id: second.id, files: { "skill.py": "def to_roman(:" } }))
    .toMatchObject({
      error: { code: "validation_failed" },
    });
  const files = { "skill.py": `${better}# read\n` };
  const { proposal: third } = await ask("skill.proposal.edit", { id: second.id, files });
  expect(third).toMatchObject({
    status: "pending",
    files: { ...ROMAN, ...files },
    maker: "scripted, edited by host",
  });

  for (const { id, digest } of [first, second, { ...third, digest: second.digest }]) {
    expect(await ask("skill.approve", { id, digest })).toMatchObject({ error: { code: expect.any(String) } });
  }
  expect(await home.skills.list()).toEqual([]);
  expect(await ask("skill.approve", { id: third.id, digest: third.digest })).toMatchObject({
    skill_info: { id: "roman", serving: { digest: third.digest } },
  });
  expect(await ask("skill.generate.status", { skill_id: "roman" })).toMatchObject({
    status: "installed",
    proposal: { id: third.id },
    attempt: { maker: "scripted" },
  });
});
