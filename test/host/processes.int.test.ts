import { existsSync } from "node:fs";
import process from "node:process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createHost, type Host, type HostAnswer } from "../../src/host/host.ts";
import { fixtureSkill } from "../main-path/task-skills.ts";
import { type TemporarySkills, temporarySkills } from "../operations/temporary-skills.ts";
import type { SkillProcessInfo } from "../../src/lifecycle/serving/processes.ts";

let home: TemporarySkills;
let host: Host;

beforeAll(async () => {
  home = await temporarySkills();
  await home.serve(fixtureSkill("text_tools"), fixtureSkill("slow"));
  host = createHost({ skills: home.skills, actor: { via: "host" } });
});
afterAll(() => home.close());

const ask = (command: string, payload: unknown): Promise<HostAnswer> =>
  host.handle({ v: 1, request_id: "1", command, payload });

async function payloadOf<T>(command: string, payload: unknown = {}): Promise<T> {
  const answer = await ask(command, payload);
  if (!answer.ok) throw new Error(JSON.stringify(answer.error));
  return answer.payload as T;
}

/** Whether a process is there; one that only waits to be noted as ended is not. */
async function isGone(pid: number): Promise<boolean> {
  for (let tries = 0; tries < 100; tries++) {
    if (!existsSync(`/proc/${pid}/cwd`)) return true;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return false;
}

describe("skill.python", () => {
  test("start makes a daemon ready, list shows it, the next call uses it, stop ends it", async () => {
    expect(await payloadOf("skill.python.list")).toEqual({ processes: [] });
    const { process: started } = await payloadOf<{ process: SkillProcessInfo }>("skill.python.start", {
      id: "text_tools",
    });
    expect(started).toMatchObject({ id: "text_tools", state: "running", calls: 0, pid: expect.any(Number) });
    expect(existsSync(`/proc/${started.pid}`)).toBe(process.platform === "linux");
    await payloadOf("skill.run", { id: "text_tools", input: { text: "abc" } });
    expect(await payloadOf("skill.python.list", { id: "text_tools" })).toMatchObject({
      processes: [{ pid: started.pid, calls: 1, busy: false }],
    });
    expect(await payloadOf("skill.python.list", { id: "slow" })).toEqual({ processes: [] });
    expect(await payloadOf("skill.python.stop", { id: "text_tools" })).toMatchObject({
      stopped: [{ pid: started.pid }],
    });
    expect(await payloadOf("skill.python.list")).toEqual({ processes: [] });
    expect(await isGone(started.pid)).toBe(true);
  });

  test("stop ends a call under way with an error that says so", async () => {
    const call = ask("skill.run", { id: "slow", input: { seconds: 50 } });
    await expect.poll(() => home.skills.library.processes().some(({ busy }) => busy)).toBe(true);
    await payloadOf("skill.python.stop", { id: "slow" });
    expect(await call).toMatchObject({ ok: false, error: { code: "closed" } });
    expect(await payloadOf("skill.run", { id: "slow", input: { seconds: 0 } })).toMatchObject({
      skill_id: "slow",
    });
  });

  test("start and stop of what is not there, or does not serve, are clear errors", async () => {
    for (const command of ["skill.python.start", "skill.python.stop"]) {
      expect(await ask(command, { id: "slwo" })).toMatchObject({ error: { code: "not_found" } });
      expect(await ask(command, {})).toMatchObject({ error: { code: "invalid_input" } });
    }
    await payloadOf("skill.disable", { id: "slow" });
    expect(await ask("skill.python.start", { id: "slow" })).toMatchObject({ error: { code: "not_active" } });
  });
});
