import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { afterAll, expect, onTestFinished, test } from "vitest";
import type { SkillProposal } from "../../src/lifecycle/changes/proposals.ts";
import { openSkills } from "../../src/skills.ts";
import { startModelService } from "../graph/model-service.ts";
import { writes } from "../graph/scripted-maker.ts";
import { ROMAN, ROMAN_EXAMPLES, ROMAN_INTENT } from "../graph/support/roman.ts";
import { cli } from "./recording-terminal.ts";
import { type OnTerminal, typeOnTerminal } from "./type-on-terminal.ts";

const folder = mkdtempSync(join(tmpdir(), "skillwright-ask-"));
const dir = join(folder, "home");
afterAll(() => rmSync(folder, { recursive: true, force: true }));
process.env["OPENAI_API_KEY"] = "none";

const at = (argv: readonly string[]) => cli([...argv, "--dir", dir]);
const onTerminal = (
  argv: readonly string[],
  ...answers: readonly (readonly [question: string, typed: string | number])[]
): Promise<OnTerminal> => typeOnTerminal([...argv, "--dir", dir], answers);

// The last choice, which decides nothing, is the one that is marked.
const UP = "\u001b[A", CTRL_C = "\u0003", SIGTERM = 15;
const QUESTION = "decide later";
const approve = [QUESTION, `${UP}${UP}\r`] as const;
const reject = [QUESTION, `${UP}\r`] as const;

/** A script that becomes a skill of this name. */
function script(name: string): string {
  const path = join(folder, `${name}.py`);
  writeFileSync(
    path,
    `def double_${name}(number: int) -> int:\n    """Double it."""\n    return 2 * number\n`,
  );
  return path;
}

/** A proposal that waits. */
async function propose(name: string): Promise<SkillProposal> {
  const made = await at(["generate", "--from", script(name), "--json"]);
  return (made.json() as { proposal: SkillProposal }).proposal;
}

async function stored(id: string): Promise<SkillProposal> {
  return ((await at(["proposals", id, "--json"])).json() as { proposal: SkillProposal }).proposal;
}

async function expectPending({ id, skill_id }: SkillProposal): Promise<void> {
  expect(await stored(id)).toMatchObject({ status: "pending" });
  expect((await at(["list"])).stdout).not.toContain(skill_id);
}

test("generate shows name, permissions, tests and code on a terminal, and installs what is approved there", async () => {
  const asked = await onTerminal(["generate", "--from", script("aaa")], approve);
  expect(asked).toMatchObject({ code: 0, restored: true });
  const before = asked.shown.slice(0, asked.shown.indexOf(QUESTION));
  for (
    const part of [
      "aaa\u001b[22m 0.1.0, proposal",
      "permissions  none",
      "tests        0 passed, 0 failed",
      "+    return 2 * number",
      "Install aaa 0.1.0? permissions: none; tests: 0 passed, 0 failed",
    ]
  ) expect(before).toContain(part);
  const ran = await at(["run", "aaa", "--json", '{"number": 21}']);
  expect(ran.json()).toMatchObject({ value: 42 });
});

test("a person rejects with a reason, and is not asked about it again", async () => {
  const { id } = await propose("ccc");
  expect(await onTerminal(["approve", id], reject, ["Why?", "does too much\r"])).toMatchObject({
    code: 0,
    restored: true,
    shown: expect.stringContaining(`rejected ${id}`),
  });
  expect(await stored(id)).toMatchObject({ status: "rejected" });
  await using skills = await openSkills({ dir, embeddings: "none" });
  expect(await skills.library.audit({ skill: "ccc" })).toContainEqual(
    expect.objectContaining({
      action: "reject",
      via: "cli",
      details: expect.objectContaining({ proposal: id, reason: "does too much" }),
    }),
  );
  expect((await at(["list"])).stdout).not.toContain("ccc");
  const again = await onTerminal(["approve", id]);
  expect(again).toMatchObject({ code: 1, shown: expect.stringContaining("proposal_decided") });
  expect(again.shown).not.toContain(QUESTION);
});

test("a question that is left by Ctrl-C or a signal decides nothing, and the exit code says so", async () => {
  const proposal = await propose("ddd");
  const ask = ["approve", proposal.id];
  const left = { code: 1, restored: true, shown: expect.stringContaining("still pending") };
  expect(await onTerminal(ask, [QUESTION, CTRL_C])).toMatchObject(left);
  expect(await onTerminal(ask, reject, ["Why?", SIGTERM])).toMatchObject(left);
  await expectPending(proposal);
  expect(await onTerminal(ask, approve)).toMatchObject({ code: 0, restored: true });
  expect((await at(["list"])).stdout).toContain("ddd 0.1.0 active");
});

test("an Enter that was typed while it was made approves nothing; deciding later tells how", async () => {
  const asked = await onTerminal(["generate", "--from", script("eee")], ["discover", "\r"], [QUESTION, "\r"]);
  const command = `skillwright approve --dir ${dir}`;
  const id = asked.shown.split(`${command} `)[1]?.split(/\s/)[0] ?? "";
  expect(asked).toMatchObject({ code: 0, restored: true });
  expect(asked.shown).toContain(`${command} ${id} --files ./edited`);
  expect(asked.shown).toContain(`skillwright proposals --dir ${dir} ${id} --out ./edited`);
  await expectPending(await stored(id));
});

test("a person sends it back to the maker with a reason, and is asked about what came of it", async () => {
  const better = `${ROMAN["skill.py"]}\n# with a word of thanks\n`;
  const { baseURL, asked, close } = await startModelService([
    writes(ROMAN),
    "done",
    writes({ "skill.py": better }),
    "done",
  ]);
  onTestFinished(close);
  process.env["OPENAI_BASE_URL"] = baseURL;
  const examples = join(folder, "examples.json");
  writeFileSync(examples, JSON.stringify(ROMAN_EXAMPLES));
  const made = await onTerminal(
    ["generate", ROMAN_INTENT, "--model", "openai:scripted", "--examples", `@${examples}`],
    [QUESTION, `${UP}${UP}\r`],
    // the maker has to be told something
    ["What should be different?", "\r"],
    ["the maker has to know", "say thanks\r"],
    [QUESTION, `${UP}${UP}${UP}\r`],
  );
  expect(made).toMatchObject({ code: 0, restored: true });
  expect(made.shown).toContain("+# with a word of thanks");
  expect(JSON.stringify(asked[2]?.messages)).toContain("say thanks");
  expect((await at(["run", "roman", "--json", '{"number": 1994}'])).json()).toMatchObject({
    value: "MCMXCIV",
  });
});

test("Ctrl-C while it is made ends it in order, and nothing is left", async () => {
  const { baseURL, close } = await startModelService([() => new Promise(() => {})]);
  onTestFinished(close);
  process.env["OPENAI_BASE_URL"] = baseURL;
  const making = ["generate", "count the vowels of a text", "--model", "openai:scripted"];
  const stopped = await onTerminal(making, ["round 1, turn 1", CTRL_C]);
  expect(stopped).toMatchObject({ code: 1, restored: true });
  expect(stopped.shown).toContain("cancelled\u001b[39m: making the skill was cancelled");
  expect((await at(["proposals"])).stdout).not.toContain("vowels");
});
