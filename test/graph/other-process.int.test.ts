import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { Command } from "@langchain/langgraph";
import { afterEach, beforeEach, expect, onTestFinished, test } from "vitest";
import { createSkillGraph } from "../../src/graph/create-skill-graph.ts";
import { installProposal } from "../../src/graph/install.ts";
import type { ApprovalRequest } from "../../src/graph/types.ts";
import { openSkills, type Skills } from "../../src/skills.ts";
import { asked, read } from "./capitals.ts";
import { scriptedMaker, writes } from "./scripted-maker.ts";
import { FileSaver } from "./support/file-saver.ts";
import { ROMAN, ROMAN_EXAMPLES, ROMAN_INTENT } from "./support/roman.ts";

const PROGRAM = fileURLToPath(new URL("support/making-process.ts", import.meta.url));
const BEFORE = "Deno" in globalThis ? ["run", "-A"] : [];
const thread = { configurable: { thread_id: "1" } };

let folder: string, home: string, checkpoints: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "skillwright-process-"));
  home = join(folder, "home");
  checkpoints = join(folder, "checkpoints.json");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Runs the program until it says where it stands, and kills it: nothing in it gets to clean up. */
async function killedAfter(...args: readonly string[]): Promise<unknown> {
  const child = spawn(process.execPath, [...BEFORE, PROGRAM, home, checkpoints, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let text = "";
  for await (const part of child.stdout.setEncoding("utf8")) {
    text += String(part);
    if (text.includes("\n")) break;
  }
  const gone = child.exitCode === null && child.signalCode === null ? once(child, "exit") : null;
  child.kill("SIGKILL");
  await gone;
  return JSON.parse(text.split("\n")[0] ?? "");
}

async function open(): Promise<{ skills: Skills; graph: ReturnType<typeof compiled> }> {
  const skills = await openSkills({ dir: home, embeddings: "none" });
  onTestFinished(() => skills.close());
  return { skills, graph: compiled(skills) };
}

function compiled(skills: Skills, model?: BaseChatModel) {
  const checkpointer = new FileSaver(checkpoints);
  return createSkillGraph({ skills, ...(model === undefined ? {} : { model }) }).compile({ checkpointer });
}

/** A run in this process up to its question; the home is closed after it. */
async function proposed(): Promise<ApprovalRequest> {
  const skills = await openSkills({ dir: home, embeddings: "none" });
  try {
    const graph = compiled(skills, scriptedMaker(writes(ROMAN), "done"));
    return asked(read(await graph.invoke({ intent: ROMAN_INTENT, examples: ROMAN_EXAMPLES }, thread)));
  } finally {
    await skills.close();
  }
}

test("a run that was killed after propose goes on in another process: same proposal, same digest", async () => {
  const [made] = await killedAfter("make") as ApprovalRequest[];
  const digest = made?.digest ?? "";
  const { skills, graph } = await open();
  const waiting = (await graph.getState(thread)).tasks.flatMap(({ interrupts }) => interrupts);
  expect(waiting.map(({ value }) => value as ApprovalRequest)).toEqual([made]);
  expect(await skills.library.proposal(made?.proposal.id ?? "")).toEqual(made?.proposal);

  const other = { decision: "approve", digest: digest.replace(/./, (sign) => (sign === "0" ? "1" : "0")) };
  expect(asked(read(await graph.invoke(new Command({ resume: other }), thread)))).toMatchObject({
    refused: { code: "digest_mismatch" },
    proposal: made?.proposal,
  });
  expect(await skills.library.list()).toEqual([]);
  const resume = { decision: "approve", digest };
  expect(read(await graph.invoke(new Command({ resume }), thread)).outcome).toMatchObject({
    outcome: "installed",
    skill: { id: "roman", serving: { digest } },
  });
  expect((await skills.run("roman", { number: 1999 })).value).toBe("MCMXCIX");

  // the same question, answered again from every checkpoint at which it was asked
  for await (const { next, config } of graph.getStateHistory(thread)) {
    if (!next.includes("approval")) continue;
    expect(read(await graph.invoke(new Command({ resume }), config)).outcome).toMatchObject({
      outcome: "installed",
    });
  }
  expect(await skills.library.generations("roman")).toHaveLength(1);
});

test("a run that was killed between install and activate goes on, and installs once", async () => {
  const { proposal, digest } = await proposed();
  expect(await killedAfter("hang", JSON.stringify({ decision: "approve", digest, by: "ada" }))).toEqual({
    hangs: true,
  });
  const { skills, graph } = await open();
  expect(read(await graph.invoke(null, thread)).outcome).toMatchObject({
    outcome: "installed",
    proposal: { id: proposal.id },
  });
  expect(await skills.library.generations("roman")).toHaveLength(1);
  const audit = await skills.library.audit({ skill: "roman" });
  expect(audit.filter(({ action }) => action === "approve")).toMatchObject([{ name: "ada", digest }]);
  expect(audit.filter(({ action }) => action === "install")).toHaveLength(1);
});

test("files that were changed after the approval was asked for are not installed", async () => {
  const { proposal, digest } = await proposed();
  const script = join(proposal.staging_dir, "skill.py");
  await writeFile(script, `${await readFile(script, "utf8")}\nimport os  # slipped in\n`);
  const { skills } = await open();
  await installProposal(skills, proposal.id, { approvedDigest: digest });
  expect((await skills.library.files("roman"))["skill.py"]).toBe(proposal.files["skill.py"]);
  expect((await skills.library.info("roman")).serving?.digest).toBe(digest);
});
