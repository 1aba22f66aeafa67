import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { romanSkill, type TestHome, testHome } from "../support/open-home.ts";

let home: TestHome;
beforeEach(() => void (home = testHome({ maxRestarts: 1, backoffMs: [1] })));
afterEach(() => home.close());

function skill(id: string, source: string, manifest = ""): Record<string, string> {
  return {
    "manifest.toml":
      `id = "${id}"\nname = "${id}"\nversion = "1.0.0"\ndescription = "A skill of a test"\n${manifest}`,
    "skill.py": source,
  };
}

describe("run", () => {
  it("holds input and output against their schemas", async () => {
    const library = await home.open();
    const tool =
      '[[tools]]\nname = "f"\ninput_schema = { properties = { n = { type = "integer" } }, required = ["n"] }\n' +
      'output_schema = { type = "string" }\n';
    await library.install(
      home.write("s", skill("s", "def f(n):\n    return n if n > 1 else str(n)\n", tool)),
    );
    await library.activate("s");
    expect((await library.run("s", { n: 1 })).value).toBe("1");
    await expect(library.run("s", { n: 2 })).rejects.toMatchObject({ code: "invalid_output" });
    await expect(library.run("s", { n: "x" })).rejects.toMatchObject({
      code: "invalid_input",
      message: expect.stringContaining("n: "),
    });
    await expect(library.run("s", {}, { tool: "g" })).rejects.toMatchObject({ code: "tool_not_found" });
    await expect(library.run("x", {})).rejects.toMatchObject({ code: "not_found" });
  });

  it("says what to do when nothing serves", async () => {
    const library = await home.open();
    await library.install(home.write("v1", romanSkill()));
    await expect(library.run("roman", { number: 1 })).rejects.toMatchObject({
      code: "not_active",
      fix: "activate it: its version 1.0.0 is pending",
    });
  });

  it("refuses sources that were changed after the install", async () => {
    const library = await home.open();
    await library.install(home.write("v1", romanSkill()));
    await library.activate("roman");
    const build = (await library.generations("roman"))[0]?.build ?? "";
    const path = join(home.dir, ".runtime/roman/builds", build, "src/skill.py");
    const { atime, mtime } = statSync(path);
    const original = readFileSync(path, "utf8");
    chmodSync(path, 0o644);
    // same length, same time: only the bytes tell
    writeFileSync(path, original.replace('(4, "IV")', '(4, "XX")'));
    utimesSync(path, atime, mtime);
    await expect(library.run("roman", { number: 4 })).rejects.toMatchObject({ code: "tampered" });
    // control: with its own bytes it runs
    writeFileSync(path, original);
    expect((await library.run("roman", { number: 4 })).value).toBe("IV");
  });

  it("refuses a file that was added to the sources", async () => {
    const library = await home.open();
    await library.install(home.write("v1", romanSkill()));
    await library.activate("roman");
    const build = (await library.generations("roman"))[0]?.build ?? "";
    const planted = join(home.dir, ".runtime/roman/builds", build, "src/json.py");
    writeFileSync(planted, "raise SystemExit\n");
    await expect(library.run("roman", { number: 4 })).rejects.toMatchObject({ code: "tampered" });
    rmSync(planted);
    expect((await library.run("roman", { number: 4 })).value).toBe("IV");
  });

  it("gives a skill its secrets, redacts them, and names the missing before anything starts", async () => {
    const source = 'import os\n\n\ndef invoke() -> str:\n    return "key " + os.environ["API_KEY"]\n';
    const manifest = '[[credentials]]\nname = "API_KEY"\ndescription = "A key"\n';
    const without = await home.open();
    await without.install(home.write("s", skill("s", source, manifest)));
    await without.activate("s");
    await expect(without.run("s", {})).rejects.toMatchObject({
      code: "secrets_missing",
      details: { missing_secrets: ["API_KEY"] },
    });
    expect(home.runner.list()).toEqual([]);
    await without.close();
    const library = await home.open({
      secrets: (id, name) => (id === "s" && name === "API_KEY" ? "tops3cret-value" : undefined),
    });
    const { value } = await library.run("s", {});
    expect(value).toMatch(/^key /);
    expect(JSON.stringify(value)).not.toContain("tops3cret-value");
  });

  it("does not run Python skills when the home switches them off", async () => {
    const library = await home.open();
    await library.install(home.write("v1", romanSkill()));
    await library.activate("roman");
    await library.close();
    writeFileSync(join(home.dir, "config.toml"), "[python_skills]\nenabled = false\n");
    const off = await home.open();
    expect((await off.list()).map(({ id }) => id)).toEqual(["roman"]);
    await expect(off.run("roman", { number: 1 })).rejects.toMatchObject({ code: "disabled_by_config" });
  });

  it("quarantines a skill that keeps dying, with the evidence", async () => {
    const library = await home.open();
    await library.install(
      home.write("s", skill("s", "import os\n\n\ndef invoke() -> str:\n    os._exit(3)\n")),
    );
    await library.activate("s");
    const quarantined = new Promise<void>((resolve) => {
      library.on(
        "changed",
        () => void library.info("s").then(({ status }) => status === "quarantined" && resolve()),
      );
    });
    for (let tries = 0; tries < 4; tries++) await library.run("s", {}).catch(() => {});
    await quarantined;
    expect(await library.info("s")).toMatchObject({
      status: "quarantined",
      last_error: expect.stringContaining("kept dying"),
    });
  });

  it("lets a call under way end on the generation that it began on", async () => {
    // Below /tmp a skill sees its own scratch folder, so the gate stands elsewhere.
    const gate = mkdtempSync("/var/tmp/skillwright-gate-");
    const slow = (version: string) => ({
      ...skill(
        "s",
        `import os, time\n\n\ndef invoke(path: str = "") -> str:
    if path:
        print("begun", flush=True)
        while not os.path.exists(path):
            time.sleep(0.01)
    return "${version}"\n`,
      ),
      "manifest.toml":
        `id = "s"\nname = "s"\nversion = "${version}"\ndescription = "d"\n[security.permissions]\nfile_read = ["${gate}"]\n`,
    });
    const open = await home.open({ settings: { security: openTo(gate) } });
    await open.install(home.write("v1", slow("1.0.0")));
    await open.activate("s");
    const begun = new Promise<void>((resolve) =>
      home.runner.on("log", ({ text }) => text.includes("begun") && resolve())
    );
    const call = open.run("s", { path: join(gate, "open") });
    await begun;
    await open.install(home.write("v2", slow("2.0.0")));
    await open.activate("s");
    expect((await open.run("s", {})).value).toBe("2.0.0");
    writeFileSync(join(gate, "open"), "");
    expect((await call).value).toBe("1.0.0");
    expect(home.runner.list().map(({ version }) => version)).toEqual(["2.0.0"]);
    rmSync(gate, { recursive: true });
  });
});

function openTo(folder: string) {
  return {
    max_permissions: { network_access: false, file_read: [folder], file_write: [], process_spawn: false },
    generated_permissions: { network_access: false, file_read: [], file_write: [], process_spawn: false },
    resource_limits: {
      max_memory_mb: 256,
      max_cpu_percent: 80,
      max_execution_time: 60,
      max_file_size_mb: 10,
      max_disk_io_mb: 1024,
    },
  };
}

describe("health", () => {
  const health = async (library: Awaited<ReturnType<TestHome["open"]>>) => {
    const { health: known } = await library.info("frail");
    expect((await library.list())[0]?.health).toEqual(known);
    return known;
  };
  const FRAIL = "import os\n\ndef f(die: bool = False):\n    if die:\n        os._exit(3)\n    return 1\n";
  const manifest = '[[tools]]\nname = "f"\n[resilience.circuit_breaker]\nfailure_threshold = 2\n' +
    "recovery_timeout = 600\n";

  it("is told of a skill that died by the library that knows, as long as it serves", async () => {
    const library = await home.open();
    await library.install(home.write("frail", skill("frail", FRAIL, manifest)));
    await library.activate("frail");
    await library.run("frail", {});
    expect(await library.info("frail")).not.toHaveProperty("health");
    const die = () =>
      expect(library.run("frail", { die: true })).rejects.toMatchObject({ code: "process_died" });
    await die();
    const died = { failures: 1, retry_in_ms: 0, last_error: "process_died", restarts: 1 };
    await expect.poll(() => health(library)).toEqual({ circuit: "closed", ...died });
    await library.run("frail", {});
    expect(await health(library)).toEqual({ circuit: "closed", failures: 0, retry_in_ms: 0, restarts: 1 });

    const other = await home.open({ runner: home.runner });
    expect(await other.info("frail")).not.toHaveProperty("health");
    await library.disable("frail");
    expect(await library.info("frail")).not.toHaveProperty("health");
  });

  it("tells an open circuit, and when the next call is let through", async () => {
    const library = await home.open();
    const atOnce = manifest.replace("failure_threshold = 2", "failure_threshold = 1");
    await library.install(home.write("frail", skill("frail", FRAIL, atOnce)));
    await library.activate("frail");
    await library.run("frail", { die: true }).catch(() => {});
    await expect(library.run("frail", {})).rejects.toMatchObject({ code: "circuit_open" });
    const known = await health(library);
    expect(known).toMatchObject({ circuit: "open", failures: 1, last_error: "process_died" });
    expect(known?.retry_in_ms).toBeGreaterThan(500_000);
  });
});
