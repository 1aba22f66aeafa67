import process from "node:process";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import type { HostEvent } from "../../src/host/host-event.ts";
import type { HostAnswer } from "../../src/host/host.ts";
import { type RunningCli, startCli } from "../cli/start-cli.ts";
import { startModelService } from "../graph/model-service.ts";
import { writes } from "../graph/scripted-maker.ts";
import { ROMAN, ROMAN_EXAMPLES, ROMAN_INTENT } from "../graph/support/roman.ts";
import { fixtureSkill } from "../main-path/task-skills.ts";
import { type TemporarySkills, temporarySkills } from "../operations/temporary-skills.ts";

const KEY = "key-of-the-model-0123456789";
process.env["OPENAI_API_KEY"] = KEY;

/** A version that fails one example, so that there is a second round. */
const WRONG = { ...ROMAN, "skill.py": (ROMAN["skill.py"] ?? "").replace('(4, "IV"), ', "") };

let home: TemporarySkills;

beforeAll(async () => {
  home = await temporarySkills();
  await home.serve(fixtureSkill("text_tools"));
});
afterAll(() => home.close());

/** A host with a model that answers so. */
async function startHost(...turns: Parameters<typeof startModelService>[0]): Promise<RunningCli> {
  const service = await startModelService(turns);
  onTestFinished(service.close);
  process.env["OPENAI_BASE_URL"] = service.baseURL;
  return startCli(["host", "--stdio", "--dir", home.dir, "--model", "openai:scripted"]);
}

function send({ child }: RunningCli, request_id: string, command: string, more: object = {}): void {
  child.stdin.write(`${JSON.stringify({ v: 1, request_id, command, ...more })}\n`);
}

const generation = { payload: { intent: ROMAN_INTENT, examples: ROMAN_EXAMPLES }, events: true };
const next = async (cli: RunningCli) => JSON.parse(await cli.line()) as HostEvent | HostAnswer;

/** Reads lines up to the answer to a request. */
async function upTo(cli: RunningCli, request_id: string): Promise<readonly (HostEvent | HostAnswer)[]> {
  const lines = [await next(cli)];
  const isAnswer = (line: HostEvent | HostAnswer | undefined) =>
    line?.request_id === request_id && "ok" in line;
  while (!isAnswer(lines.at(-1))) lines.push(await next(cli));
  return lines;
}

test("skill.generate tells its stages before its answer, in order, and only to who asked for them", async () => {
  let answerTurn = (): void => {};
  const asked = new Promise<void>((resolve) => (answerTurn = resolve));
  const wrong = () => asked.then(() => writes(WRONG));
  const cli = await startHost(wrong, "done", writes({ "skill.py": ROMAN["skill.py"] ?? "" }), "done");
  send(cli, "make", "skill.generate", generation);
  expect(await next(cli)).toEqual({
    v: 1,
    request_id: "make",
    event: { kind: "stage", stage: "discover", status: "started", round: 1 },
  });
  // the model is asked and says nothing yet: others are served, and an install that did not ask is told nothing
  const before: (HostEvent | HostAnswer)[] = [];
  while (!before.some((line) => "event" in line && line.event.kind === "turn")) before.push(await next(cli));
  send(cli, "quiet", "skill.install", { payload: { package_dir: fixtureSkill("acronym") } });
  expect(await upTo(cli, "quiet")).toMatchObject([{ request_id: "quiet", ok: true }]);

  answerTurn();
  const lines = [...before, ...await upTo(cli, "make")];
  const events = lines.slice(0, -1).flatMap((line) => ("event" in line ? [line.event] : []));
  expect(lines.at(-1)).toMatchObject({ ok: true, payload: { outcome: "proposed" } });
  expect(events).toHaveLength(lines.length - 1);
  expect(new Set(lines.map(({ request_id }) => request_id))).toEqual(new Set(["make"]));
  const ended = events.filter(({ kind, ms }) => kind === "stage" && ms !== undefined);
  expect(ended.map(({ stage, round }) => `${stage} ${round}`).join(", ")).toBe(
    "discover 1, stage 1, generate 1, write_tools 1, generate 1, validate 1, test 1, " +
      "generate 2, write_tools 2, generate 2, validate 2, test 2, verify 2, propose 2, finish 2",
  );
  expect(events).toContainEqual({
    kind: "turn",
    stage: "generate",
    status: "started",
    round: 2,
    detail: "round 2, turn 1",
  });
  expect(JSON.stringify(events)).not.toContain(KEY);
  expect(events.every((event) => JSON.stringify(event).length < 1000)).toBe(true);

  // nothing comes behind the answer
  send(cli, "end", "skill.list");
  expect(await upTo(cli, "end")).toHaveLength(1);
  cli.child.stdin.end();
  expect(await cli.ended).toEqual({ code: 0, rest: "" });
});

test("skill.reject with retry tells the stages of the new attempt; who did not ask is told nothing", async () => {
  const cli = await startHost(writes(ROMAN), "done");
  send(cli, "make", "skill.generate", { payload: generation.payload });
  const lines = await upTo(cli, "make");
  expect(lines).toMatchObject([{ request_id: "make", payload: { outcome: "proposed" } }]);
  const [made] = lines as unknown as [{ payload: { proposal: { id: string } } }];
  const { id } = made.payload.proposal;
  send(cli, "again", "skill.reject", { payload: { id, reason: "shorter", retry: true }, events: true });
  const told = await upTo(cli, "again");
  expect(told[0]).toMatchObject({ event: { stage: "discover", status: "started", round: 1 } });
  expect(told.at(-1)).toMatchObject({ ok: true, payload: { next: { outcome: "proposed" } } });
  cli.child.stdin.end();
  expect(await cli.ended).toEqual({ code: 0, rest: "" });
});

test("a host that is told to stop ends a generation whose events are read, with cancelled behind them", async () => {
  const cli = await startHost(() => new Promise(() => {}));
  send(cli, "make", "skill.generate", generation);
  let line = await next(cli);
  while (!("event" in line && line.event.kind === "turn")) line = await next(cli);
  process.kill(cli.child.pid ?? 0, "SIGTERM");
  const lines = await upTo(cli, "make");
  expect(lines.at(-1)).toMatchObject({ ok: false, error: { code: "cancelled" } });
  expect(lines.slice(0, -1)).toMatchObject([{
    event: { kind: "stage", stage: "generate", status: "failed" },
  }]);
  expect(await cli.ended).toEqual({ code: 0, rest: "" });
  expect(await home.skills.list()).not.toContainEqual(expect.objectContaining({ id: "roman" }));
});

test("a program that does not read its events does not hold up the work, and finds them when it reads", async () => {
  const cli = await startHost(writes(ROMAN), "done");
  cli.child.stdout.pause();
  const attempts = async () => (await home.skills.library.makings({ skill: "roman", limit: 100 })).length;
  const before = await attempts();
  send(cli, "make", "skill.generate", generation);
  await expect.poll(attempts, { timeout: 20_000 }).toBe(before + 1);
  cli.child.stdout.resume();
  expect((await upTo(cli, "make")).at(-1)).toMatchObject({ ok: true, payload: { outcome: "proposed" } });
  cli.child.stdin.end();
  expect(await cli.ended).toEqual({ code: 0, rest: "" });
});
