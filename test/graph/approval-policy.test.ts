import { Command, MemorySaver } from "@langchain/langgraph";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SkillError } from "../../src/base/errors.ts";
import { createSkillGraph } from "../../src/graph/create-skill-graph.ts";
import { generateProposal, installProposal } from "../../src/graph/generate.ts";
import { reviseProposal } from "../../src/graph/revise.ts";
import { tries } from "../torture.ts";
import { asked, capitals, examples, intent, making, read, right } from "./capitals.ts";
import { memorySkills } from "./memory-library.ts";
import { scriptedMaker, sentText, writes } from "./scripted-maker.ts";

const thread = { configurable: { thread_id: "1" } };
const installs = (log: readonly string[]) => log.filter((line) => line.startsWith("install"));
const maker = () => scriptedMaker(writes(right), "done");

describe("an approval", () => {
  test("is demanded by installProposal itself", async () => {
    const { skills, start } = making({ model: maker() });
    const { proposal } = asked(await start());
    for (const options of [undefined, {}, { approvedDigest: true }, { approvedDigest: undefined }]) {
      await expect(installProposal(skills, proposal, options as never)).rejects.toMatchObject({
        code: "approval_required",
      });
    }
    await expect(installProposal(skills, proposal, { approvedDigest: "" })).rejects.toMatchObject({
      code: "digest_mismatch",
    });
    expect(installs(skills.log)).toEqual([]);
    await installProposal(skills, proposal, { approvedDigest: proposal.digest });
    expect(installs(skills.log)).toEqual(["install capitals"]);
  });

  test("is of exactly that digest, whatever resumes the graph", async () => {
    const digest = asked(await making({ model: maker() }).start()).digest;
    const flipped = digest.replace(/^./, (sign) => (sign === "0" ? "1" : "0"));
    const near = fc.oneof(
      fc.record({
        decision: fc.constantFrom("approve", "Approve", "reject", "edit", "install", true),
        digest: fc.constantFrom(digest, flipped, digest.toUpperCase(), ` ${digest}`, digest.slice(1), [
          digest,
        ], null),
        reason: fc.constantFrom("no", "", undefined),
        retry: fc.boolean(),
        files: fc.constantFrom({}, { "skill.py": "lower" }, { "../skill.py": "upper" }, "all"),
      }, { requiredKeys: [] }),
      fc.constantFrom(digest, "approve", "yes", true, { digest }, [{ decision: "approve", digest }]),
      // what is false is no answer: LangGraph refuses it before the graph sees it
      fc.jsonValue().filter(Boolean),
    );
    const property = fc.asyncProperty(near, async (resume) => {
      const { skills, start, resume: answer } = making({ model: maker() });
      await start();
      await answer(resume);
      const { decision, digest: given } = resume as { decision?: unknown; digest?: unknown };
      const approves = decision === "approve" && given === digest;
      expect(installs(skills.log)).toHaveLength(approves ? 1 : 0);
    });
    await fc.assert(property, { numRuns: tries(60, 3000) });
  });

  test("lapses when a file of the proposal or of the state changes", async () => {
    const { skills, graph, start, resume } = making({ model: maker() });
    const { proposal, digest } = asked(await start());
    await graph.updateState(thread, { files: { ...right, "skill.py": "evil" } });
    const other = { ...proposal, files: { ...proposal.files, "skill.py": "evil" } };
    await expect(
      installProposal(skills, { ...other, digest: "0".repeat(64) }, { approvedDigest: "0".repeat(64) }),
    )
      .rejects.toMatchObject({ code: "digest_mismatch" });
    const { outcome } = await resume({ decision: "approve", digest });
    expect(outcome).toMatchObject({ outcome: "installed" });
    expect(await skills.library.files("capitals")).toEqual(right);
  });

  test("of a proposal whose stored files were changed is refused", async () => {
    const { skills, start, resume } = making({ model: maker() });
    const { proposal, digest } = asked(await start());
    const changed = { ...proposal, files: { ...proposal.files, "skill.py": "upper, and evil" } };
    Object.assign(skills.library, {
      proposal: () => Promise.resolve(changed),
      decide: () => Promise.resolve(changed),
    });
    expect((await resume({ decision: "approve", digest })).outcome).toMatchObject({
      outcome: "failed",
      code: "digest_mismatch",
    });
    expect(installs(skills.log)).toEqual([]);
  });

  test("given twice, on forks and after a retry installs once", async () => {
    const skills = memorySkills(capitals);
    const checkpointer = new MemorySaver();
    const graph = () => createSkillGraph({ skills, model: maker() }).compile({ checkpointer });
    const { digest } = asked(read(await graph().invoke({ intent, examples }, thread)));
    const fork = (await graph().getState(thread)).config;
    const approve = (config: typeof thread) =>
      graph().invoke(new Command({ resume: { decision: "approve", digest } }), config);
    const [first, second] = await Promise.all([approve(thread), approve(fork as typeof thread)]);
    expect([first, second].map((state) => read(state).outcome?.outcome)).toEqual(["installed", "installed"]);
    const before = await graph().getStateHistory(fork).next();
    expect(read(await approve((before.value as { config: typeof thread }).config)).outcome)
      .toMatchObject({ outcome: "installed" });
    const again = read(await graph().invoke({ intent, examples }, thread));
    expect(again.outcome).toMatchObject({ outcome: "existing_match", skill_id: "capitals" });
    expect(installs(skills.log)).toEqual(["install capitals"]);
  });

  test("that failed half way goes on when the run is retried", async () => {
    const { skills, graph, start, resume } = making({ model: maker() });
    const activate = skills.library.activate.bind(skills.library);
    let failures = 1;
    const failing: typeof activate = (...given) =>
      failures-- > 0 ? Promise.reject(new Error("power cut")) : activate(...given);
    Object.assign(skills.library, { activate: failing });
    const { digest } = asked(await start());
    await expect(resume({ decision: "approve", digest })).rejects.toThrow("power cut");
    expect(read(await graph.invoke(null, thread)).outcome).toMatchObject({ outcome: "installed" });
    expect(installs(skills.log)).toEqual(["install capitals"]);
  });
});

describe("the policy no_permissions", () => {
  const policy = { auto_approve: "no_permissions" } as const;

  test("is off by default", async () => {
    expect(memorySkills(capitals).settings.generator.auto_approve).toBe("never");
  });

  test("approves what is new and asks for nothing, by name", async () => {
    const { skills, start } = making({ model: maker(), config: policy });
    const deciders: unknown[] = [];
    const decide = skills.library.decide.bind(skills.library);
    const watched: typeof decide = (id, decision) => (deciders.push(decision.actor), decide(id, decision));
    Object.assign(skills.library, { decide: watched });
    expect((await start()).outcome).toMatchObject({ outcome: "installed" });
    expect(deciders).toEqual([{ via: "code", name: "policy no_permissions" }]);
  });

  test.each([
    ["the network", '[security.permissions]\nnetwork_access = ["example.org"]\n'],
    ["secrets", '[[credentials]]\nname = "KEY"\ndescription = "key"\nrequired = true\n'],
  ])("asks a person about %s", async (_what, more) => {
    const files = { ...right, "manifest.toml": `${right["manifest.toml"]}${more}` };
    const skills = memorySkills(capitals);
    const generated_permissions = { ...skills.settings.security.generated_permissions, network_access: true };
    const settings = { ...skills.settings, security: { ...skills.settings.security, generated_permissions } };
    const { start } = making({
      skills: { ...skills, settings },
      model: scriptedMaker(writes(files), "done"),
      config: policy,
    });
    expect(asked(await start()).proposal.skill_id).toBe("capitals");
  });

  test("asks a person about a new version, and about a scaffold", async () => {
    const skills = memorySkills(capitals);
    const { key } = await skills.library.stage({ ...right, "skill.py": "lower" });
    await skills.library.installStaged(key, { triggers: [intent] });
    await skills.library.activate("capitals");
    const files = { ...right, "manifest.toml": right["manifest.toml"]?.replace("1.0.0", "1.1.0") ?? "" };
    const newer = making({ skills, model: scriptedMaker(writes(files), "done"), config: policy });
    expect(asked(await newer.start()).proposal).toMatchObject({ skill_id: "capitals", version: "1.1.0" });
    const scaffold = making({ config: policy });
    expect(asked(await scaffold.start({ intent: "water the plants" })).proposal.maker).toBe("template");
  });
});

describe("reviseProposal", () => {
  const proposed = async () => {
    const skills = memorySkills(capitals);
    const outcome = await generateProposal({ skills, model: maker() }, { intent, examples });
    if (outcome.outcome !== "proposed") throw new Error(outcome.outcome);
    return { skills, old: outcome.proposal };
  };

  test("tests an edit again, and proposes it in the old one's place", async () => {
    const { skills, old } = await proposed();
    const edited = { ...old.files, "skill.py": "upper, read by ada" };
    const fresh = await reviseProposal(skills, old.id, edited, { actor: { via: "cli", name: "ada" } });
    expect(fresh).toMatchObject({
      status: "pending",
      files: edited,
      maker: expect.stringMatching(/, edited by ada$/),
    });
    expect(fresh.digest).not.toBe(old.digest);
    expect(fresh.tests?.given).toHaveLength(examples.length);
    expect((await skills.library.proposal(old.id)).status).toBe("rejected");
    await expect(installProposal(skills, fresh.id, { approvedDigest: old.digest })).rejects.toMatchObject({
      code: "digest_mismatch",
    });
    await installProposal(skills, fresh.id, { approvedDigest: fresh.digest });
  });

  test("leaves the old one when the edit does not pass", async () => {
    const { skills, old } = await proposed();
    for (
      const [files, code] of [
        [{ ...old.files, "skill.py": "lower" }, "tests_failed"],
        [{ "manifest.toml": "" }, "validation_failed"],
        [{ "../x": "" }, "invalid_package"],
      ] as const
    ) {
      const problem = await reviseProposal(skills, old.id, files).catch((error: unknown) => error);
      expect(SkillError.isInstance(problem) && problem.code).toBe(code);
    }
    expect(await skills.library.proposals({ status: "pending" })).toMatchObject([{ id: old.id }]);
    expect([...skills.staged.keys()]).toEqual([old.digest]);
  });

  test("changes nothing that was decided, and nothing when nothing differs", async () => {
    const { skills, old } = await proposed();
    expect(await reviseProposal(skills, old.id, old.files)).toEqual(old);
    await skills.library.decide(old.id, { approved: false, digest: old.digest });
    await expect(reviseProposal(skills, old.id, { "skill.py": "x" })).rejects.toMatchObject({
      code: "proposal_decided",
    });
  });
});

test("a rejection with a reason goes back to the maker, which starts from its own files", async () => {
  const model = scriptedMaker(writes(right), "done", writes({ "skill.py": "upper, in words" }), "done");
  const { start, resume } = making({ model });
  await start();
  const again = asked(await resume({ decision: "reject", reason: "use words", retry: true }));
  expect(again.proposal.files["skill.py"]).toBe("upper, in words");
  const told = sentText(model.calls[2]?.messages ?? []);
  expect(told).toContain("use words");
  expect(told).toContain("skill.py:\n```\nupper\n```");
});
