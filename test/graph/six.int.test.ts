import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { generateProposal, indexProposal, installProposal } from "../../src/graph/generate.ts";
import { validateStagedSkill } from "../../src/graph/validate-staged.ts";
import { createHost } from "../../src/host/host.ts";
import { type TemporarySkills, temporarySkills } from "../operations/temporary-skills.ts";
import { scriptedMaker, writes } from "./scripted-maker.ts";
import { ROMAN, ROMAN_EXAMPLES, ROMAN_INTENT } from "./support/roman.ts";
import type { SkillProposal } from "../../src/lifecycle/changes/proposals.ts";

let home: TemporarySkills;
beforeEach(async () => {
  home = await temporarySkills();
});
afterEach(() => home.close());

async function proposed(): Promise<SkillProposal> {
  const model = scriptedMaker(writes(ROMAN), "done");
  const outcome = await generateProposal({ skills: home.skills, model }, {
    intent: ROMAN_INTENT,
    examples: ROMAN_EXAMPLES,
  });
  if (outcome.outcome !== "proposed") throw new Error(JSON.stringify(outcome));
  return outcome.proposal;
}

describe("the generator", () => {
  test("generate_proposal_from_intent", async () => {
    const proposal = await proposed();
    expect(proposal).toMatchObject({
      skill_id: "roman",
      name: "Roman numerals",
      description: "Turn an integer into a Roman numeral",
      manifest_toml: ROMAN["manifest.toml"],
      script_source: ROMAN["skill.py"],
      credentials: [],
      dependencies: [],
      tests: { passed: true },
    });
    expect(await readFile(join(proposal.staging_dir, "manifest.toml"), "utf8")).toBe(proposal.manifest_toml);
    expect(await validateStagedSkill(home.skills, proposal.staging_dir)).toMatchObject({
      skill_id: "roman",
      digest: proposal.digest,
      files: ROMAN,
    });
    expect(await home.skills.list()).toEqual([]);
  });

  test("install_proposal_creates_files, index_proposal_makes_searchable, generate_returns_existing_match", async () => {
    const proposal = await proposed();
    const info = await installProposal(home.skills, proposal, { approvedDigest: proposal.digest });
    expect(info).toMatchObject({ id: "roman", status: "active" });
    for (const [path, text] of Object.entries(ROMAN)) {
      expect(await readFile(join(home.dir, "roman", path), "utf8")).toBe(text);
    }
    await indexProposal(home.skills, proposal);
    expect(await home.skills.search("roman numeral")).toMatchObject([{ id: "roman" }]);
    expect(await generateProposal({ skills: home.skills }, { intent: ROMAN_INTENT })).toMatchObject({
      outcome: "existing_match",
      skill_id: "roman",
      name: "Roman numerals",
      score: 1,
    });
    const [reused] = await home.skills.library.audit({ skill: "roman", limit: 1 });
    expect(reused).toMatchObject({
      action: "reuse",
      via: "code",
      details: { intent: ROMAN_INTENT, how: "the intent is a trigger of it" },
    });
    const proposals = (await home.skills.library.audit()).filter(({ action }) => action === "propose");
    expect(proposals).toMatchObject([{ digest: proposal.digest, details: { reuse: "no skill comes near" } }]);
    const kept = await home.skills.library.makings();
    expect(kept.map(({ outcome, skill_id }) => [outcome, skill_id])).toEqual([
      ["existing_match", "roman"],
      ["installed", "roman"],
    ]);
  });

  test("invalid_intent_returns_error", async () => {
    expect(await generateProposal({ skills: home.skills }, { intent: "" })).toMatchObject({
      outcome: "failed",
      code: "invalid_intent",
    });
  });

  test("host_command_skill_generate", async () => {
    const maker = { model: scriptedMaker(writes(ROMAN), "done"), name: "scripted" };
    const host = createHost({ skills: home.skills, actor: { via: "host" }, maker });
    const payload = { intent: ROMAN_INTENT, confirm: false };
    expect(await host.handle({ v: 1, request_id: "7", command: "skill.generate", payload })).toMatchObject({
      request_id: "7",
      ok: true,
      payload: { outcome: "proposed", proposal: { skill_id: "roman", maker: "scripted" } },
    });
    expect(await home.skills.list()).toEqual([]);
  });
});

test("validateStagedSkill refuses what does not pass, with its findings", async () => {
  const { dir } = await home.skills.library.stage({ "manifest.toml": 'id = "x"\n', "skill.py": "def f(:" });
  await expect(validateStagedSkill(home.skills, dir)).rejects.toMatchObject({
    code: "validation_failed",
    details: { findings: expect.arrayContaining([expect.objectContaining({ severity: "error" })]) },
  });
});
