import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createHost, type Host, type HostAnswer } from "../../src/host/host.ts";
import { fixtureSkill } from "../main-path/task-skills.ts";
import { type TemporarySkills, temporarySkills } from "../operations/temporary-skills.ts";

let home: TemporarySkills;
let host: Host;

beforeAll(async () => {
  home = await temporarySkills();
  host = createHost({ skills: home.skills, actor: { via: "host" } });
});
afterAll(() => home.close());

let count = 0;
const ask = (command: string, payload?: unknown): Promise<HostAnswer> =>
  host.handle({ v: 1, request_id: ++count, command, ...(payload === undefined ? {} : { payload }) });

async function payloadOf(command: string, payload?: unknown): Promise<unknown> {
  const answer = await ask(command, payload);
  if (!answer.ok) throw new Error(JSON.stringify(answer.error));
  return answer.payload;
}

describe("commands", () => {
  test("a skill is installed, tested, activated, run, found, taken out of service and listed", async () => {
    const id = "text_tools";
    const skill = (status: string) => ({ skill_info: { id, status } });
    expect(await payloadOf("skill.list")).toEqual({ skills: [] });
    expect(await payloadOf("skill.install", { package_dir: fixtureSkill(id) })).toMatchObject(
      skill("pending"),
    );
    expect(await payloadOf("skill.test", { id })).toMatchObject({ report: { passed: true } });
    expect(await payloadOf("skill.activate", { id })).toMatchObject(skill("active"));
    const input = { text: "abc" };
    expect(await payloadOf("skill.run", { id, input })).toMatchObject({ value: "cba", artifacts: [] });
    expect(await payloadOf("skill.run", { id, input, tool: "shout" })).toMatchObject({ value: "ABC" });
    expect(await payloadOf("skill.search", { query: "reverse a text" })).toMatchObject({ matches: [{ id }] });
    expect(await payloadOf("skill.quarantine", { id, reason: "too loud" })).toMatchObject(
      skill("quarantined"),
    );
    expect(await payloadOf("skill.list", { status: "quarantined" })).toMatchObject({ skills: [{ id }] });
    expect(await ask("skill.run", { id, input })).toMatchObject({ ok: false, error: { code: "not_active" } });
  });

  test("skill.advance_status, skill.disable and skill.rollback move along the status table", async () => {
    const id = "plain_words";
    await payloadOf("skill.install", { package_dir: fixtureSkill(id), test: true });
    expect(await ask("skill.advance_status", { id, status: "quarantined" })).toMatchObject({
      ok: true,
      payload: { skill_info: { id, status: "quarantined" } },
    });
    expect(await ask("skill.advance_status", { id, status: "active" })).toMatchObject({
      ok: false,
      error: { code: "invalid_transition" },
    });
    expect(await ask("skill.rollback", { id })).toMatchObject({ error: { code: "nothing_to_roll_back" } });
    expect(await ask("skill.disable", { id: "nobody" })).toMatchObject({ error: { code: "not_found" } });
    expect(await payloadOf("skill.disable", { id })).toMatchObject({
      skill_info: { id, status: "disabled" },
    });
  });
});

describe("answers of the papers' commands", () => {
  const keys = async (command: string, payload?: unknown): Promise<unknown> => {
    const { v: _v, request_id: _id, ...answer } = await ask(command, payload);
    return answer.ok ? Object.keys(answer.payload as object) : Object.keys(answer);
  };
  const id = "acronym";

  test("hold skill_info of the one skill, or skills of all", async () => {
    expect(await keys("skill.install", { package_dir: fixtureSkill(id) })).toEqual([
      "skill_info",
      "dependencies",
    ]);
    expect(await keys("skill.advance_status", { id, status: "testing" })).toEqual(["skill_info"]);
    expect(await keys("skill.activate", { id })).toEqual(["skill_info"]);
    expect(await keys("skill.disable", { id })).toEqual(["skill_info", "findings"]);
    expect(await keys("skill.activate", { id })).toEqual(["skill_info"]);
    expect(await keys("skill.test", { id })).toEqual(["skill_info", "report"]);
    expect(await keys("skill.quarantine", { id, reason: "look" })).toEqual(["skill_info"]);
    expect(await keys("skill.list")).toEqual(["skills"]);
    const { skills } = await payloadOf("skill.list") as { skills: object[] };
    const { skill_info } = await payloadOf("skill.disable", { id }) as { skill_info: object };
    for (const info of [...skills, skill_info]) {
      for (const field of ["id", "name", "version", "status", "last_error"]) {
        expect(info).toHaveProperty(field);
      }
      expect(JSON.stringify(info)).not.toContain(home.dir);
    }
  });

  test("hold only an error with code and message when it fails, whatever fails", async () => {
    const failing: readonly (readonly [command: string, payload: unknown, code: string])[] = [
      ["skill.install", { package_dir: "/nowhere/at/all" }, "not_found"],
      ["skill.install", {}, "invalid_input"],
      ["skill.advance_status", { id, status: "pending" }, "invalid_transition"],
      ["skill.advance_status", { id, status: "running" }, "invalid_input"],
      ["skill.activate", { id: "nobody" }, "not_found"],
      ["skill.disable", { id }, "invalid_transition"],
      ["skill.quarantine", { id }, "invalid_input"],
      ["skill.quarantine", { id: "nobody", reason: "x" }, "not_found"],
      ["skill.rollback", { id }, "nothing_to_roll_back"],
      ["skill.list", { status: "running" }, "invalid_input"],
    ];
    for (const [command, payload, code] of failing) {
      expect(await keys(command, payload)).toEqual(["ok", "error"]);
      expect(await ask(command, payload)).toMatchObject({
        ok: false,
        error: { code, message: expect.any(String) },
      });
    }
  });
});

describe("envelopes", () => {
  test("a request id comes back as it was given", async () => {
    for (const request_id of ["a-1", "", 0, 7.5]) {
      const answer = await host.handle({ v: 1, request_id, command: "skill.list" });
      expect(answer).toMatchObject({ v: 1, request_id, ok: true });
    }
  });

  test("what is no envelope is answered with how to write one, and with its id where it has one", async () => {
    const wrong: [unknown, string | number | null][] = [
      [null, null],
      ["skill.list", null],
      [[], null],
      [{}, null],
      [{ v: 2, request_id: "x", command: "skill.list" }, "x"],
      [{ v: 1, request_id: 3, command: "skill.list", payload: [] }, 3],
      [{ v: 1, request_id: "x", command: 5 }, "x"],
      [{ v: 1, request_id: { id: 1 }, command: "skill.list" }, null],
      [{ v: 1, request_id: "x".repeat(201), command: "skill.list" }, null],
    ];
    for (const [given, request_id] of wrong) {
      expect(await host.handle(given)).toMatchObject({
        v: 1,
        request_id,
        ok: false,
        error: { code: "invalid_input", fix: expect.stringContaining("request_id") },
      });
    }
  });

  test("an unknown command is answered with the nearest one, or with all", async () => {
    expect(await host.handle({ v: 1, request_id: "odd", command: "skill.lst" })).toMatchObject({
      request_id: "odd",
      ok: false,
      error: { code: "not_found", fix: 'did you mean "skill.list"' },
    });
    expect(await ask("reboot")).toMatchObject({
      error: { code: "not_found", fix: expect.stringContaining("skill.rollback") },
    });
    expect(await ask("toString")).toMatchObject({ error: { code: "not_found" } });
  });

  test("a payload that does not fit is answered with where it does not", async () => {
    expect(await ask("skill.run", {})).toMatchObject({
      error: { code: "invalid_input", details: { issues: [{ path: "id" }] } },
    });
    expect(await ask("skill.run", { id: "text_tools", timeout_ms: -1 })).toMatchObject({
      error: { code: "invalid_input" },
    });
  });
});
