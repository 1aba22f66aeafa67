import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createSandbox } from "../../src/sandbox/create-sandbox.ts";
import { fixtureSkill } from "../main-path/task-skills.ts";
import { cli, type Ran } from "./recording-terminal.ts";

const folder = mkdtempSync(join(tmpdir(), "skillwright-cli-"));
const dir = join(folder, "home");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const at = (...argv: readonly string[]): Promise<Ran> => cli([...argv, "--dir", dir]);

/** A command that must succeed, with its document. */
async function done(...argv: readonly string[]): Promise<unknown> {
  const ran = await at(...argv, "--json");
  if (ran.code !== 0) throw new Error(`${argv.join(" ")}: ${ran.stdout}${ran.notes}`);
  expect(ran.notes).toBe("");
  return ran.json();
}

/** A command that must fail with this exit code, with its error. */
async function failed(code: number, ...argv: readonly string[]): Promise<Record<string, unknown>> {
  const ran = await at(...argv, "--json");
  expect({ argv, code: ran.code }).toEqual({ argv, code });
  return (ran.json() as { error: Record<string, unknown> }).error;
}

describe("a life on the command line", () => {
  const source = join(folder, "word_count");

  test("new -> validate -> install --test -> activate -> run -> update -> rollback", async () => {
    expect(await done("new", source, "--description", "Counts words")).toMatchObject({ id: "word_count" });
    expect(await done("validate", source)).toMatchObject({ ok: true });
    expect(await done("install", source, "--test")).toMatchObject({
      skill_info: { id: "word_count", status: "testing", serving: null },
      report: { passed: true },
    });
    expect(await failed(1, "run", "word_count")).toMatchObject({ code: "not_active" });
    expect(await done("activate", "word_count")).toMatchObject({ skill_info: { status: "active" } });
    expect(await done("run", "word_count", "--input", '{"text":"a"}')).toMatchObject({
      value: { scaffold: true, received: { text: "a" } },
    });

    edit("manifest.toml", '"0.1.0"', '"0.2.0"');
    edit("skill.py", '"scaffold": True', '"scaffold": False');
    expect(await done("install", source)).toMatchObject({ skill_info: { id: "word_count" } });
    expect(await done("run", "word_count")).toMatchObject({
      value: { scaffold: true },
      generation: { version: "0.1.0" },
    });
    await done("activate", "word_count");
    expect(await done("run", "word_count")).toMatchObject({
      value: { scaffold: false },
      generation: { version: "0.2.0" },
    });
    expect(await done("rollback", "word_count")).toMatchObject({
      skill_info: { serving: { version: "0.1.0" } },
    });
    expect(await done("run", "word_count")).toMatchObject({ value: { scaffold: true } });
    expect(await done("disable", "word_count")).toMatchObject({ skill_info: { status: "disabled" } });
    expect(await failed(1, "run", "word_count")).toMatchObject({ code: "not_active" });
  });

  function edit(file: string, from: string, to: string): void {
    const path = join(source, file);
    const text = readFileSync(path, "utf8");
    expect(text).toContain(from);
    writeFileSync(path, text.replace(from, to));
  }

  test("validate tells what is wrong with a package, with 1", async () => {
    const broken = join(folder, "broken");
    cpSync(source, broken, { recursive: true });
    writeFileSync(join(broken, "manifest.toml"), 'id = "broken"\nnme = "Broken"\nversion = "1.0.0"\n');
    const ran = await at("validate", broken, "--json");
    expect(ran.code).toBe(1);
    expect(ran.json()).toMatchObject({
      ok: false,
      findings: expect.arrayContaining([expect.objectContaining({ severity: "error" })]),
    });
    const shown = await at("validate", broken);
    expect(shown.code).toBe(1);
    expect(shown.stdout).toMatch(/^not valid\n/);
    expect(shown.stdout).toMatch(/manifest\.toml:2 .*nme/);
    expect(await failed(1, "validate", join(folder, "nowhere"))).toMatchObject({ code: "not_found" });
  });

  test("install --test ends with 1 when the tests fail, and shows which", async () => {
    const { code, stdout } = await at("install", fixtureSkill("failing_tests"), "--test");
    expect(stdout).not.toContain("next:");
    expect(code).toBe(1);
    expect(stdout).toMatch(/^passed handshake\n/);
    expect(stdout).toContain('failed {"number":3} -> 6, got 9');
    expect((await at("test", "failing_tests")).code).toBe(1);
  });

  test("quarantine keeps its reason, and needs one", async () => {
    const { stdout } = await at("install", fixtureSkill("plain_words"));
    expect(stdout).toMatch(/\nnext: skillwright activate (--dir .+ )?plain_words/);
    await done("activate", "plain_words");
    expect(await failed(2, "quarantine", "plain_words")).toMatchObject({ code: "invalid_input" });
    expect(await done("quarantine", "plain_words", "--reason", "counts letters")).toMatchObject({
      skill_info: { status: "quarantined", last_error: "counts letters" },
    });
    expect((await at("list")).stdout).toMatch(/^plain_words 1\.0\.0 quarantined\n.*\n {2}counts letters$/m);
    expect(await failed(1, "run", "plain_words")).toMatchObject({ code: "not_active" });
  });
});

describe("run", () => {
  beforeAll(async () => {
    for (const id of ["text_tools", "csv_chart", "noisy"]) {
      await done("install", fixtureSkill(id));
      await done("activate", id);
    }
  });

  test("run takes its input as text, from a file, from standard input, and after --json", async () => {
    const input = '{"text":"abc"}';
    const file = join(folder, "input.json");
    writeFileSync(file, input);
    const values = [
      await at("run", "text_tools", "--input", input),
      await at("run", "text_tools", "shout", "--input", `@${file}`),
      await cli(["run", "text_tools", "--input", "-", "--dir", dir], { stdin: input }),
    ];
    expect(values.map(({ stdout }) => stdout)).toEqual(["cba", "ABC", "cba"]);
    expect((await at("run", "text_tools", "shout", "--json", input)).json()).toMatchObject({ value: "ABC" });
    expect((await at("run", "text_tools", `--json=${input}`)).json()).toMatchObject({ value: "cba" });
    expect(await failed(2, "run", "text_tools", "--input", "{abc}")).toMatchObject({ code: "invalid_input" });
  });

  test("run tells not found from failed from wrong input, and what was meant", async () => {
    expect(await failed(1, "run", "text_tols")).toMatchObject({
      code: "not_found",
      fix: 'did you mean "text_tools"',
    });
    expect(await failed(1, "run", "text_tools", "shot")).toMatchObject({
      code: "tool_not_found",
      fix: 'did you mean "shout"',
    });
    expect(await failed(2, "run", "text_tools", "--input", '{"text":5}')).toMatchObject({
      code: "invalid_input",
    });
    expect(await failed(1, "run", "csv_chart")).toMatchObject({ code: "tool_failed" });
    const { stdout, notes } = await at("run", "text_tols");
    expect(stdout).toBe("");
    expect(notes).toBe('not_found: no skill has the id "text_tols"\n  did you mean "text_tools"');
  });

  test("what a skill prints is a message, not its answer", async () => {
    const { stdout, notes } = await at("run", "noisy", "--input", '{"a":1,"b":2}');
    expect(stdout).toBe("3");
    expect(notes).not.toBe("");
  });

  test("run gives files and saves what the skill leaves", async () => {
    const csv = join(folder, "data.csv"), out = join(folder, "charts");
    writeFileSync(csv, "a,b\nx,1\ny,2\n");
    const input = '{"width":40,"height":40}';
    const ran = await done("run", "csv_chart", "--input", input, "--file", `data.csv=${csv}`, "--out", out);
    const saved_to = join(out, "chart.png");
    expect(ran).toMatchObject({ value: { rows: 2 }, artifacts: [{ path: "chart.png", saved_to }] });
    expect(readFileSync(saved_to).subarray(1, 4).toString()).toBe("PNG");
    const { stdout } = await at("run", "csv_chart", "--input", input, "--file", `data.csv=${csv}`);
    expect(stdout).toMatch(/out\/chart\.png \(\d+ bytes\), keep it with --out$/);
    expect(await failed(2, "run", "csv_chart", "--file", csv)).toMatchObject({
      fix: "write --file data.csv=./my.csv",
    });
    expect(await failed(2, "run", "csv_chart", "--file", "data.csv=/nonexistent")).toMatchObject({
      code: "invalid_input",
    });
  });

  test("run ends a call after --timeout", async () => {
    await done("install", fixtureSkill("slow"));
    await done("activate", "slow");
    const error = await failed(1, "run", "slow", "--input", '{"seconds":50}', "--timeout", "0.2");
    expect(error).toMatchObject({ code: "timeout" });
  });

  test("list and search tell the same to people and to programs", async () => {
    const { skills } = await done("list", "--status", "active") as { skills: { id: string }[] };
    expect(skills.map(({ id }) => id)).toEqual(["csv_chart", "noisy", "slow", "text_tools"]);
    expect((await at("list")).stdout).toMatch(
      /^text_tools 2\.1\.0 active\n {2}Reverse a text or make it loud$/m,
    );
    const found = await done("search", "write", "text", "backwards", "--limit", "1");
    expect(found).toMatchObject({
      query: "write text backwards",
      matches: [{ id: "text_tools", status: "active" }],
      more: 3,
    });
    const { stdout } = await at("search", "write text backwards", "--limit", "1");
    expect(stdout).toMatch(
      /^text_tools \d\.\d\d \(words 1\.00\)\n {2}Reverse a text or make it loud\n3 more are not shown\nby words only: /,
    );
  });
});

describe("making", () => {
  test("generate without a model proposes a scaffold, said to be one; approving needs its digest", async () => {
    const shown = await at("generate", "keep", "a", "diary");
    expect(shown.code).toBe(0);
    expect(shown.notes).toContain("no model was named: a template writes a scaffold");
    expect(shown.stdout).toMatch(/maker +template/);
    const { proposals: [proposal] } = await done("proposals", "--status", "pending") as {
      proposals: { id: string; digest: string; skill_id: string }[];
    };
    const { id = "", digest = "", skill_id = "" } = proposal ?? {};
    // a command that is copied works on the same home
    const command = `skillwright approve --dir ${dir} ${id} --digest ${digest}`;
    expect(shown.stdout).toContain(`approve with: ${command}`);
    expect(await done("generate", "keep a diary")).toMatchObject({
      outcome: "proposed",
      proposal: { id, maker: "template" },
      approve_with: command,
    });

    expect(await failed(1, "approve", id)).toMatchObject({
      code: "approval_required",
      fix: command,
    });
    expect(await failed(1, "approve", id, "--digest", "0".repeat(64))).toMatchObject({
      code: "digest_mismatch",
    });
    expect(await failed(1, "run", skill_id)).toMatchObject({ code: "not_found" });
    const copied = await cli([...command.split(" ").slice(1), "--json"]);
    expect(copied.json()).toMatchObject({
      outcome: "installed",
      skill_info: { id: skill_id, status: "active" },
    });
    expect(await done("run", skill_id, "--input", '{"day":1}')).toMatchObject({
      value: { scaffold: true, received: { day: 1 } },
    });
    expect(await done("generate", "keep a diary")).toMatchObject({ outcome: "existing_match", skill_id });
  });

  test("reject keeps the reason's decision, and a proposal is decided once", async () => {
    const { proposal: { id, digest } } = await done("generate", "water the plants") as {
      proposal: { id: string; digest: string };
    };
    expect(await done("reject", id, "--reason", "a person does that")).toMatchObject({
      proposal: { status: "rejected" },
    });
    expect(await failed(1, "approve", id, "--digest", digest)).toMatchObject({ code: "proposal_decided" });
    expect(await failed(1, "reject", id)).toMatchObject({ code: "proposal_decided" });
    expect(await failed(1, "reject", "nobody")).toMatchObject({ code: "not_found" });
    expect((await at("proposals", "--status", "rejected")).stdout).toContain(`${id} rejected`);
  });

  test("generate with examples that a scaffold does not pass ends with 1 and the evidence", async () => {
    const examples = join(folder, "examples.json");
    writeFileSync(examples, '[{"input":{"text":"ab"},"expected":"ba"}]');
    const ran = await at("generate", "spell backwards", "--examples", `@${examples}`, "--json");
    expect(ran.code).toBe(1);
    expect(ran.json()).toMatchObject({ outcome: "failed", code: "tests_failed" });
    const { stdout } = await at("generate", "spell backwards", "--examples", `@${examples}`);
    expect(stdout).toContain('failed {"text":"ab"} -> "ba", got');
    expect(await failed(2, "generate", "x y", "--examples", '[{"expected":1}]')).toMatchObject({
      code: "invalid_input",
      fix: expect.stringContaining("expected"),
    });
  });

  test("generate --yes installs what passes its tests", async () => {
    expect(await done("generate", "greet the mailman", "--yes")).toMatchObject({
      outcome: "installed",
      skill_info: { status: "active" },
    });
  });
});

describe("proposals on the command line", () => {
  test("show a real diff, are edited in a folder, and need the new digest", async () => {
    const script = join(folder, "double.py");
    writeFileSync(script, '"""Double a number."""\ndef double(number: int) -> int:\n    return 2 * number\n');
    const { proposal: { id, digest, skill_id } } = await done("generate", "--from", script) as {
      proposal: { id: string; digest: string; skill_id: string };
    };
    const shown = await at("proposals", id.slice(0, 8), "--out", join(folder, "edited"));
    expect(await failed(1, "proposals", id.slice(0, 3))).toMatchObject({ code: "not_found" });
    expect(shown.stdout).toContain("+++ b/skill.py\n@@ -0,0 +1,7 @@\n+# /// script\n");
    expect(shown.stdout).toContain("instead of   no");
    expect(shown.stdout).toContain(`digest ${digest}`);
    const edited = join(folder, "edited", "skill.py");
    writeFileSync(edited, readFileSync(edited, "utf8").replace("2 * number", "number + number"));
    const asking = await failed(1, "approve", id, "--files", join(folder, "edited"));
    const { details } = asking as { details: { proposal_id: string; digest: string } };
    expect(asking).toMatchObject({ code: "approval_required" });
    expect(await failed(1, "approve", id, "--digest", digest)).toMatchObject({ code: "proposal_decided" });
    expect(await failed(1, "approve", details.proposal_id, "--digest", digest)).toMatchObject({
      code: "digest_mismatch",
    });
    expect(await done("approve", details.proposal_id, "--digest", details.digest)).toMatchObject({
      outcome: "installed",
    });
    expect(await done("run", skill_id, "--input", '{"number":4}')).toMatchObject({ value: 8 });
    expect(await done("logs", skill_id)).toMatchObject({
      makings: [{ outcome: "installed", maker: "rules", rounds: 1, turns: 0, tokens: 0 }],
      audit: expect.arrayContaining([expect.objectContaining({ action: "approve", via: "cli" })]),
    });
    expect(await done("stats")).toMatchObject({
      makers: expect.arrayContaining([expect.objectContaining({ maker: "rules" })]),
    });
    expect((await at("stats")).stdout).toMatch(/rules +\d+ generations?: /);
  });

  test("that nobody can try again are rejected with --retry only with a model", async () => {
    const { proposal: { id } } = await done("generate", "feed the fish") as { proposal: { id: string } };
    expect(await failed(2, "reject", id, "--reason", "no", "--retry")).toMatchObject({
      code: "invalid_input",
    });
    expect(await done("proposals", id)).toMatchObject({ proposal: { status: "pending" } });
  });

  test("generate refuses two things to start from, and budgets that are none", async () => {
    expect(await failed(2, "generate", "x", "--from", "a.py", "--from-openapi", "b.json")).toMatchObject({
      code: "invalid_input",
    });
    expect(await failed(2, "generate", "x", "--from", join(folder, "nothing.py"))).toMatchObject({
      code: "invalid_input",
    });
    expect(await failed(2, "generate", "x y", "--max-tokens", "many")).toMatchObject({
      code: "invalid_input",
    });
  });
});

describe("the index", () => {
  const at = (...args: readonly string[]) => cli([...args, "--dir", dir], { withModel: true });

  test("search filters and says why; index rebuild makes the index again", async () => {
    const found = await at("search", "text backwards", "--permissions", "none", "--related", "--json");
    expect(found.json()).toMatchObject({
      mode: "hybrid",
      matches: [{ id: "text_tools", related: true, matched: expect.any(String), cosine: expect.any(Number) }],
    });
    expect((await at("search", "text backwards", "--tag", "nothing has this")).stdout).toBe("nothing fits");
    expect(await at("search", "x", "--permissions", "everything")).toMatchObject({ code: 2 });
    const rebuilt = await at("index", "rebuild", "--json");
    expect(rebuilt).toMatchObject({ code: 0 });
    expect(rebuilt.json()).toMatchObject({ mode: "hybrid", skills: expect.any(Number) });
  });

  test("doctor --duplicates shows pairs with their scores and texts", async () => {
    const none = await at("doctor", "--duplicates", "--at-least", "1");
    expect(none).toMatchObject({ code: 0, stdout: "no two skills are that much alike" });
    const some = (await at("doctor", "--duplicates", "--at-least", "0", "--limit", "1", "--json")).json();
    expect(some).toMatchObject({
      pairs: [{ how: "meaning", cosine: expect.any(Number), matched: { a: expect.any(String) } }],
      more: expect.any(Number),
    });
  });
});

describe("doctor", () => {
  const doctor = (...options: readonly string[]) =>
    cli(["doctor", "--dir", dir, ...options], { withModel: true });

  test("doctor --json has the parts, and is ok when a skill answered", async () => {
    const ran = await doctor("--json");
    const report = ran.json() as object;
    expect(ran.code).toBe(0);
    expect(Object.keys(report)).toEqual(
      expect.arrayContaining(["ok", "sandbox", "uv", "python", "model", "problems"]),
    );
    expect(report).toMatchObject({
      ok: true,
      home: dir,
      sandbox: { usable: true },
      skill: { ok: true },
      model: { ok: true },
      problems: [],
    });
  });

  test("doctor shows what is by design as notes, not as problems", async () => {
    const { sandbox: { missing } } = (await doctor("--json")).json() as {
      sandbox: { missing: { capability: string; reason: string }[] };
    };
    const { code, stdout } = await doctor();
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ok +skills +a probe skill was built and answered in \d+ ms$/m);
    const notes = stdout.split("\n").filter((line) => /^note +no skill is granted /.test(line)).join("\n");
    for (const { capability, reason } of missing) {
      expect(notes).toContain(capability);
      expect(notes).toContain(reason);
    }
    expect(stdout).not.toMatch(/^(problem|fails)/m);
  });

  test("doctor fails and says what helps when nothing can be confined", async () => {
    const bare = createSandbox({ backend: "bubblewrap", bwrapPath: "/nonexistent/bwrap" });
    const ran = await cli(["doctor", "--dir", dir], { sandbox: bare });
    expect(ran.code).toBe(1);
    expect(ran.stdout).toMatch(/^fails +skills +none can run$/m);
    expect(ran.stdout).toMatch(/^fails +sandbox +bubblewrap$/m);
    expect(ran.stdout).toMatch(/^problem \S.*\n {8}\S/m);
  });
});

describe("homes of others", () => {
  test("a copied home runs nothing until it is trusted", async () => {
    const copy = join(folder, "copy");
    cpSync(dir, copy, { recursive: true, verbatimSymlinks: true });
    const there = (...argv: readonly string[]) => cli([...argv, "--dir", copy, "--json"]);
    const input = ["run", "text_tools", "--input", '{"text":"abc"}'] as const;
    expect(await done(...input)).toMatchObject({ value: "cba" });

    const refused = await there(...input);
    expect(refused.code).toBe(1);
    expect(refused.json()).toMatchObject({
      error: { code: "untrusted_home", fix: expect.stringContaining("trust") },
    });
    const { skills } = (await there("list")).json() as { skills: { status: string }[] };
    expect(skills.length).toBeGreaterThan(0);
    expect(skills.every(({ status }) => status === "pending")).toBe(true);
    expect((await there("activate", "text_tools")).json()).toMatchObject({
      error: { code: "untrusted_home" },
    });

    expect(await cli(["trust", copy])).toMatchObject({ code: 0 });
    expect((await there(...input)).json()).toMatchObject({ value: "cba" });
  });

  test("trust makes no home where there is none", async () => {
    const nowhere = join(folder, "nowhere");
    expect(await failed(1, "trust", nowhere)).toMatchObject({ code: "not_found" });
    expect(existsSync(nowhere)).toBe(false);
  });
});

test("host answers requests on standard output and nothing else", async () => {
  const requests = ["skill.list", "skill.nothing"].map((command, request_id) =>
    JSON.stringify({ v: 1, request_id, command })
  );
  const ran = await cli(["host", "--stdio", "--dir", dir], { stdin: requests.join("\n") });
  expect(ran).toMatchObject({ code: 0, notes: "" });
  const answers = ran.stdout.trim().split(/\n+/).map((line) => JSON.parse(line) as object);
  expect(answers).toHaveLength(2);
  expect(answers).toEqual(expect.arrayContaining([
    expect.objectContaining({ request_id: 0, ok: true }),
    expect.objectContaining({ request_id: 1, ok: false }),
  ]));
});
