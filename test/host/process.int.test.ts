import { Buffer } from "node:buffer";
import process from "node:process";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { HostAnswer } from "../../src/host/host.ts";
import { type RunningCli, startCli } from "../cli/start-cli.ts";
import { fixtureSkill } from "../main-path/task-skills.ts";
import { type TemporarySkills, temporarySkills } from "../operations/temporary-skills.ts";

let home: TemporarySkills;

beforeAll(async () => {
  home = await temporarySkills();
  await home.serve(fixtureSkill("text_tools"), fixtureSkill("slow"));
});
afterAll(() => home.close());

const start = () => startCli(["host", "--stdio", "--dir", home.dir]);
const request = (request_id: string, command: string, payload: object = {}) =>
  `${JSON.stringify({ v: 1, request_id, command, payload })}\n`;

async function answers(cli: RunningCli, count: number): Promise<Record<string, HostAnswer>> {
  const found: Record<string, HostAnswer> = {};
  for (let at = 0; at < count; at++) {
    const answer = JSON.parse(await cli.line()) as HostAnswer;
    found[String(answer.request_id)] = answer;
  }
  return found;
}

test("skillwright host serves requests that come together, in pieces and broken, until its input ends", async () => {
  const cli = start();
  const run = request("run ✓", "skill.run", { id: "text_tools", input: { text: "héllo" } });
  cli.child.stdin.write(request("list", "skill.list") + request("odd", "skill.lost"));
  for (const byte of Buffer.from(run)) cli.child.stdin.write(Buffer.from([byte]));
  cli.child.stdin.write("{broken\n");
  expect(await answers(cli, 4)).toMatchObject({
    list: { ok: true, payload: { skills: [{ id: "slow" }, { id: "text_tools" }] } },
    odd: { ok: false, error: { code: "not_found" } },
    "run ✓": { ok: true, payload: { value: "olléh" } },
    null: { ok: false, error: { code: "invalid_input" } },
  });
  // a request that was begun is answered although the input ends behind it
  cli.child.stdin.end(
    request("last", "skill.run", { id: "text_tools", tool: "shout", input: { text: "a" } }),
  );
  expect(await answers(cli, 1)).toMatchObject({ last: { payload: { value: "A" } } });
  expect(await cli.ended).toEqual({ code: 0, rest: "" });
});

test("skillwright host ends what runs and then itself when it is told to stop", async () => {
  const cli = start();
  const wait = (seconds: number) => request(`${seconds}`, "skill.run", { id: "slow", input: { seconds } });
  cli.child.stdin.write(wait(0));
  await answers(cli, 1);
  // its process is there now; when the list is answered the call before it is under way
  cli.child.stdin.write(wait(25) + request("list", "skill.list"));
  await answers(cli, 1);
  // not by child.kill: after it Deno tells the signal instead of how the child ended
  process.kill(cli.child.pid ?? 0, "SIGTERM");
  expect(await answers(cli, 1)).toMatchObject({ 25: { ok: false, error: { code: "cancelled" } } });
  expect(await cli.ended).toEqual({ code: 0, rest: "" });
});
