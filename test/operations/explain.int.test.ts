import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { explain } from "../../src/operations/explain.ts";
import { perform } from "../../src/operations/perform.ts";
import type { OperationContext } from "../../src/operations/types.ts";
import { createSandbox } from "../../src/sandbox/create-sandbox.ts";
import { cli } from "../cli/recording-terminal.ts";
import { fixtureSkill } from "../main-path/task-skills.ts";
import { type TemporarySkills, temporarySkills } from "./temporary-skills.ts";

let home: TemporarySkills;
let context: OperationContext;
const folder = mkdtempSync(join(tmpdir(), "skillwright-explain-"));
const network = (await createSandbox().probe()).enforced.includes("network_allow_list");

beforeAll(async () => {
  home = await temporarySkills({ secrets: () => "the value of the key" });
  context = { skills: home.skills, actor: { via: "code" } };
  await home.serve(fixtureSkill("plain_words"));
});
afterAll(async () => {
  await home.close();
  rmSync(folder, { recursive: true });
});

test("explain tells how a tool would be run and starts nothing", async () => {
  const answer = await perform(explain, context, { id: "plain_words" });
  expect(answer).toMatchObject({
    skill_id: "plain_words",
    policy: { network: false, spawn: false, limits: { memory_mb: expect.any(Number) as unknown } },
    credentials: [],
    environment: expect.arrayContaining(["PATH", "HOME"]) as unknown,
  });
  expect(answer.enforced.map(({ capability }) => capability)).toContain("network_deny");
  expect(answer.enforced.every(({ by }) => by !== undefined)).toBe(true);
  expect(JSON.parse(JSON.stringify(answer))).toEqual(answer);
});

test("explain names credentials and never tells their values", async () => {
  const dir = join(folder, "keyed");
  mkdirSync(dir);
  writeFileSync(
    join(dir, "manifest.toml"),
    `id = "keyed"\nname = "Keyed"\nversion = "1.0.0"\ndescription = "Needs a key"\n[[credentials]]\nname = "API_KEY"\n` +
      (network ? `[security.permissions]\nnetwork_access = ["api.example.org"]\n` : ""),
  );
  writeFileSync(join(dir, "skill.py"), "def invoke(text: str) -> str:\n    raise SystemExit(1)\n");
  await home.skills.library.install(dir);
  const before = readdirSync(home.dir);
  const answer = await perform(explain, context, { id: "keyed" });
  expect(answer.credentials).toEqual([{ name: "API_KEY", set: true }]);
  expect(JSON.stringify(answer)).not.toContain("the value of the key");
  expect(answer.policy.network).toEqual(network ? ["api.example.org"] : false);
  expect(readdirSync(home.dir)).toEqual(before);
  const shown = await cli(["run", "keyed", "--explain", "--dir", home.dir]);
  expect(shown.stdout).toMatch(/keyed.*, not run\n/);
  expect(shown.stdout).toMatch(/credential +API_KEY, not set/);
  expect(shown.stdout).toMatch(/enforced +tree_kill: by \w/);
});

test("explain refuses a skill and a tool that are not there", async () => {
  await expect(perform(explain, context, { id: "nobody" })).rejects.toMatchObject({ code: "not_found" });
  const call = perform(explain, context, { id: "plain_words", tool: "nothing" });
  await expect(call).rejects.toMatchObject({ code: "tool_not_found" });
});
