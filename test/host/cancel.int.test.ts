import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { findPython } from "../../src/environment/toolchain/find-python.ts";
import type { HostEvent } from "../../src/host/host-event.ts";
import { createHost, type HostAnswer } from "../../src/host/host.ts";
import { type RunningCli, startCli } from "../cli/start-cli.ts";
import { startModelService } from "../graph/model-service.ts";
import { ROMAN_EXAMPLES, ROMAN_INTENT } from "../graph/support/roman.ts";
import { homeContents } from "../lifecycle/support/home-contents.ts";
import { fixtureSkill } from "../main-path/task-skills.ts";
import { type TemporarySkills, temporarySkills } from "../operations/temporary-skills.ts";

let home: TemporarySkills;
beforeAll(async () => {
  home = await temporarySkills();
  await home.serve(fixtureSkill("text_tools"), fixtureSkill("slow"));
});
afterAll(() => home.close());

const start = (...more: string[]) => startCli(["host", "--stdio", "--dir", home.dir, ...more]);

function send({ child }: RunningCli, request_id: string | number, command: string, more: object = {}): void {
  child.stdin.write(`${JSON.stringify({ v: 1, request_id, command, ...more })}\n`);
}

const next = async (cli: RunningCli) => JSON.parse(await cli.line()) as HostEvent | HostAnswer;

/** Reads up to the first line of a request that fits. */
async function until(cli: RunningCli, request_id: string | number, fits: (line: object) => boolean) {
  for (;;) {
    const line = await next(cli);
    if (line.request_id === request_id && fits(line)) return line;
  }
}

const answer = (cli: RunningCli, request_id: string | number) =>
  until(cli, request_id, (line) => "ok" in line);
const cancel = (cli: RunningCli, request_id: string | number) =>
  send(cli, `cancel ${request_id}`, "request.cancel", { payload: { request_id } });
const told = (under_way: boolean) => ({ ok: true, payload: { under_way } });
const cancelled = { ok: false, error: { code: "cancelled" } };

/** The next request is served, and the host ends as ever. */
async function expectGoesOn(cli: RunningCli): Promise<void> {
  send(cli, "after", "skill.run", { payload: { id: "text_tools", input: { text: "abc" } } });
  expect(await answer(cli, "after")).toMatchObject({ ok: true, payload: { value: "cba" } });
  cli.child.stdin.end();
  expect(await cli.ended).toEqual({ code: 0, rest: "" });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test("request.cancel ends one run, whose process is gone, and no other", async () => {
  const cli = start();
  const run = (id: string | number, seconds: number) =>
    send(cli, id, "skill.run", { payload: { id: "slow", input: { seconds } } });
  send(cli, "start", "skill.python.start", { payload: { id: "slow" } });
  const started = await answer(cli, "start") as unknown as { payload: { process: { pid: number } } };
  const { pid } = started.payload.process;
  run(1, 25);
  // another id, although it reads like the same
  run("1", 0.3);
  cancel(cli, 1);
  const lines = [await next(cli), await next(cli), await next(cli)];
  const byId = new Map(lines.map((line) => [line.request_id, line]));
  expect(byId.get("cancel 1")).toMatchObject(told(true));
  expect(byId.get(1)).toMatchObject(cancelled);
  expect(byId.get("1")).toMatchObject({ ok: true, payload: { value: 0.3 } });
  await expect.poll(() => isAlive(pid), { timeout: 10_000 }).toBe(false);
  await expectGoesOn(cli);
});

test("request.cancel of what is unknown or answered says so", async () => {
  const cli = start();
  cancel(cli, "never");
  expect(await next(cli)).toMatchObject(told(false));
  send(cli, "list", "skill.list");
  await answer(cli, "list");
  cancel(cli, "list");
  expect(await next(cli)).toMatchObject({ payload: { request_id: "list", under_way: false } });
  send(cli, "wrong", "request.cancel", { payload: { request_id: {} } });
  expect(await next(cli)).toMatchObject({ request_id: "wrong", error: { code: "invalid_input" } });
  await expectGoesOn(cli);
});

test("request.cancel ends an install from a server that does not answer; nothing of it stays", async () => {
  let reached = (): void => {};
  const asked = new Promise<void>((resolve) => (reached = resolve));
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket.on("error", () => {}));
    reached();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const before = homeContents(home.dir);
  const cli = start();
  send(cli, "get", "skill.install", {
    payload: { package_dir: `git+https://127.0.0.1:${port}/skills.git#some_skill` },
  });
  await asked;
  cancel(cli, "get");
  expect(await answer(cli, "get")).toMatchObject(cancelled);
  expect(homeContents(home.dir)).toEqual(before);
  await expectGoesOn(cli);
  expect(homeContents(home.dir)).toEqual(before);
});

test("request.cancel ends an update in the middle of its tests; what served before serves on", async () => {
  const folder = mkdtempSync(join(tmpdir(), "skillwright-newer-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const source = join(folder, "slow");
  mkdirSync(join(source, "tests"), { recursive: true });
  cpSync(fixtureSkill("slow"), source, { recursive: true });
  const manifest = readFileSync(join(source, "manifest.toml"), "utf8");
  writeFileSync(join(source, "manifest.toml"), manifest.replace('version = "1.0.0"', 'version = "2.0.0"'));
  writeFileSync(join(source, "tests/examples.jsonl"), '{"input": {"seconds": 25}, "expected": 25}\n');
  const cli = start();
  const ask = { payload: { id: "slow", source, confirm: true }, events: true };
  send(cli, "update", "skill.update", ask);
  const isTest = (line: object) => JSON.stringify(line).includes('"test"');
  await until(cli, "update", isTest);
  cancel(cli, "update");
  expect(await answer(cli, "update")).toMatchObject(cancelled);
  expect(await home.skills.library.info("slow")).toMatchObject({ serving: { version: "1.0.0" } });
  send(cli, "run", "skill.run", { payload: { id: "slow", input: { seconds: 0 } } });
  expect(await answer(cli, "run")).toMatchObject({ ok: true, payload: { value: 0 } });
  await expectGoesOn(cli);
});

/** A generation looks first whether there is such a skill, for which it may bring up the index. */
function withoutIndex(): unknown {
  return Object.entries(homeContents(home.dir)).filter(([name]) => !name.startsWith(".index/"));
}

test("request.cancel ends a generation while its model is asked; nothing of it stays", async () => {
  const service = await startModelService([() => new Promise(() => {})]);
  onTestFinished(service.close);
  process.env["OPENAI_API_KEY"] = "none";
  process.env["OPENAI_BASE_URL"] = service.baseURL;
  const before = withoutIndex();
  const cli = start("--model", "openai:scripted");
  const ask = { payload: { intent: ROMAN_INTENT, examples: ROMAN_EXAMPLES }, events: true };
  send(cli, "make", "skill.generate", ask);
  await until(cli, "make", (line) => "event" in line && JSON.stringify(line).includes('"turn"'));
  cancel(cli, "make");
  expect(await answer(cli, "make")).toMatchObject(cancelled);
  expect(await home.skills.library.proposals()).toEqual([]);
  expect(withoutIndex()).toEqual(before);
  await expectGoesOn(cli);
});

test("request.cancel ends a search whose embeddings do not come", async () => {
  let reached = (): void => {}, giveUp = (): void => {};
  const asked = new Promise<void>((resolve) => (reached = resolve));
  const failed = new Promise<never>((_resolve, reject) => (giveUp = () => reject(new Error("gone"))));
  failed.catch(() => {});
  const silent = (): Promise<never> => {
    reached();
    return failed;
  };
  const model = { embedQuery: silent, embedDocuments: silent };
  const other = await temporarySkills({ withModel: true, embeddings: { model, id: "silent" } });
  onTestFinished(() => other.close());
  await other.serve(fixtureSkill("text_tools"));
  const host = createHost({ skills: other.skills, actor: { via: "host" } });
  const found = host.handle({ v: 1, request_id: 1, command: "skill.search", payload: { query: "reverse" } });
  await asked;
  const cancelIt = { v: 1, request_id: 2, command: "request.cancel", payload: { request_id: 1 } };
  expect(await host.handle(cancelIt)).toMatchObject(told(true));
  expect(await found).toMatchObject(cancelled);
  giveUp();
  expect(await host.handle(cancelIt)).toMatchObject(told(false));
});

test("the client in Python cancels what takes too long, what is left, and what it is told to", async () => {
  const { path: python } = await findPython({ env: process.env });
  const path = (name: string): string => fileURLToPath(new URL(`../../${name}`, import.meta.url));
  const deno = "Deno" in globalThis ? ["run", "-A"] : [];
  const host = [process.execPath, ...deno, path("src/cli/bin.ts"), "host", "--stdio", "--dir", home.dir];
  const program = `
import json, sys
sys.path.insert(0, ${JSON.stringify(path("examples/host"))})
from skillwright_host import SkillHost, SkillHostError
steps = []
with SkillHost(json.loads(sys.argv[1])) as host:
    pid = host.call("skill.python.start", id="slow")["process"]["pid"]
    try:
        host.call("skill.run", timeout=0.5, id="slow", input={"seconds": 60})
    except TimeoutError:
        steps.append("timeout")
    with host.begin("skill.run", id="slow", input={"seconds": 60}) as request:
        steps.append(request.cancel())
        try:
            request.result()
        except SkillHostError as error:
            steps.append(error.code)
        steps.append(request.cancel())
    with host.begin("skill.run", id="slow", input={"seconds": 60}):
        pass
    steps.append(host.call("skill.run", id="slow", input={"seconds": 0})["value"])
steps.append(host.close())
print(json.dumps({"pid": pid, "steps": steps}))
`;
  const { stdout } = await promisify(execFile)(python, ["-B", "-c", program, JSON.stringify(host)]);
  const { pid, steps } = JSON.parse(stdout) as { pid: number; steps: unknown };
  expect(steps).toEqual(["timeout", true, "cancelled", false, 0, 0]);
  expect(isAlive(pid)).toBe(false);
});
