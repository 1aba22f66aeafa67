import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { OpenedLibrary } from "../../../src/lifecycle/library.ts";
import { healthCheckOf, runnerLimits } from "../../../src/lifecycle/programs/program.ts";
import { DEFAULT_SETTINGS } from "../../../src/lifecycle/storage/settings.ts";
import { parseManifest } from "../../../src/manifest/manifest.ts";
import { DEFAULT_LIMITS } from "../../../src/runner/limits/limits.ts";
import { createRunner } from "../../../src/runner/runner.ts";
import { createSandbox } from "../../../src/sandbox/create-sandbox.ts";
import { testHome } from "../support/open-home.ts";

const sandbox = createSandbox();

const SCRIPT = `import os, time, uuid

ME = str(uuid.uuid4())
asked = 0


def who() -> str:
    time.sleep(0.1)
    return ME


def text(size: int) -> str:
    return "x" * size


def hang() -> str:
    time.sleep(600)


def die() -> str:
    os._exit(3)


def probe() -> str:
    global asked
    asked += 1
    return "ok"


def times_asked() -> int:
    return asked
`;

const TOOLS = ["who", "text", "hang", "die", "times_asked"].map((name) => `[[tools]]\nname = "${name}"\n`)
  .join("");

function skill(id: string, head: string, tail = ""): Readonly<Record<string, string>> {
  return {
    "manifest.toml":
      `id = "${id}"\nname = "${id}"\nversion = "1.0.0"\ndescription = "d"\nhealth = "probe"\n${head}\n${TOOLS}${tail}`,
    "skill.py": `# /// script\n# requires-python = ">=3.9"\n# dependencies = []\n# ///\n${SCRIPT}`,
  };
}

/** A home with that \`config.toml\`, and skills in it that serve. */
async function opened(
  config: string,
  skills: readonly Readonly<Record<string, string>>[],
): Promise<OpenedLibrary> {
  const home = testHome();
  onTestFinished(() => home.close());
  mkdirSync(home.dir, { recursive: true });
  writeFileSync(join(home.dir, "config.toml"), config);
  const scratchRoot = join(home.folder, "own-scratch");
  const library = await home.open({
    runner: (settings) => {
      const runner = createRunner({ sandbox, scratchRoot, limits: runnerLimits(settings) });
      onTestFinished(() => runner.close());
      return runner;
    },
  });
  for (const [at, files] of skills.entries()) {
    const { id } = await library.install(home.write(`skill-${at}`, files));
    await library.activate(id);
  }
  return library;
}

const value = async (library: OpenedLibrary, id: string, tool: string, input = {}) =>
  (await library.run(id, input, { tool })).value;

test("the defaults of a home are those of a runner without one", () => {
  expect(DEFAULT_LIMITS).toMatchObject(runnerLimits(DEFAULT_SETTINGS));
});

test("max_concurrent, max_message_bytes, max_restarts and health_check_interval reach the runner", async () => {
  const config = `[python_skills]
max_concurrent = 2
max_message_bytes = 4096
max_restarts = 0
health_check_interval = 0.05
`;
  const never = "[resilience.health_check]\nenabled = false\n";
  const library = await opened(config, [skill("asked", ""), skill("never_asked", "", never)]);
  const who = await Promise.all([1, 2, 3, 4, 5, 6].map(() => value(library, "asked", "who")));
  expect(new Set(who).size).toBe(2);
  await expect(library.run("asked", { size: 5000 }, { tool: "text" })).rejects.toMatchObject({
    code: "message_too_large",
  });
  await value(library, "never_asked", "who");
  await expect.poll(() => value(library, "asked", "times_asked"), { timeout: 10_000, interval: 200 })
    .toBeGreaterThan(1);
  expect(await value(library, "never_asked", "times_asked")).toBe(0);
  await library.run("asked", {}, { tool: "die" }).catch(() => {});
  await expect.poll(async () => (await library.info("asked")).status).toBe("quarantined");
});

test("max_concurrent_skills, execution_queue_size and parallel_execution reach the runner", async () => {
  const [one, two] = [skill("one", ""), skill("two", "")];
  const bounded = await opened(
    "[performance.execution]\nmax_concurrent_skills = 1\nexecution_queue_size = 2\n",
    [one, two],
  );
  const runs = ["one", "two", "one", "two"].map((id) =>
    value(bounded, id, "who").catch((error: { code: string }) => error.code)
  );
  await expect.poll(() => bounded.runner.list().length).toBeGreaterThan(0);
  expect(bounded.runner.list().filter(({ busy }) => busy).length).toBeLessThan(2);
  expect((await Promise.all(runs)).filter((answer) => answer === "queue_full")).toHaveLength(1);
  const serial = await opened("[performance.execution]\nparallel_execution = false\n", [one]);
  const who = await Promise.all([1, 2, 3].map(() => value(serial, "one", "who")));
  expect(new Set(who).size).toBe(1);
});

test("timeout, idle_timeout, spares and handshake_timeout reach the runner", async () => {
  const config = "[python_skills]\ntimeout = 2\nidle_timeout = 0.05\nspares = 0\nhandshake_timeout = 1\n";
  const library = await opened(config, [skill("brief", ""), skill("once", 'mode = "one_shot"')]);
  const runner = library.runner;
  await value(library, "once", "who");
  await expect(library.run("brief", {}, { tool: "hang" })).rejects.toMatchObject({
    code: "timeout",
    details: { timeout_ms: 2000 },
  });
  await value(library, "brief", "who");
  await expect.poll(() => runner.list(), { timeout: 5000 }).toEqual([]);
  await expect(opened("[python_skills]\nhandshake_timeout = 0.05\n", [{
    ...skill("slow", ""),
    "skill.py": `# /// script\n# dependencies = []\n# ///\nimport time\ntime.sleep(1)\n${SCRIPT}`,
  }])).rejects.toMatchObject({ details: expect.anything(), message: expect.stringContaining("50 ms") });
});

test("healthCheckOf takes the skill's word over the home's, and nothing over the home's no", () => {
  const head = 'id = "s"\nname = "s"\nversion = "1.0.0"\ndescription = "d"\n';
  const of = (toml: string, health_check: Partial<typeof DEFAULT_SETTINGS.resilience.health_check> = {}) =>
    healthCheckOf(parseManifest(head + toml).manifest, {
      ...DEFAULT_SETTINGS,
      resilience: {
        ...DEFAULT_SETTINGS.resilience,
        health_check: { ...DEFAULT_SETTINGS.resilience.health_check, ...health_check },
      },
    }).health_check_ms;
  const own = "[resilience.health_check]\n";
  expect(of("")).toBeUndefined(); // as often as any Python skill
  expect(of(own)).toBe(30_000);
  expect(of(own, { interval: 20 })).toBe(20_000);
  expect(of(`${own}interval = 5`)).toBe(5000);
  expect(of(`${own}enabled = false`)).toBe(false);
  expect(of(`${own}interval = 5`, { enabled: false })).toBe(false);
  expect(of("", { enabled: false })).toBe(false);
});
