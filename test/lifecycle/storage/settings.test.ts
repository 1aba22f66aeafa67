import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  commonPermissions,
  DEFAULT_SETTINGS,
  joinedPermissions,
  loadSettings,
  type SettingsInput,
} from "../../../src/lifecycle/storage/settings.ts";

let folder: string;
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), "skillwright-settings-"))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function load(toml: string, host: SettingsInput = {}): ReturnType<typeof loadSettings> {
  const file = join(folder, "config.toml");
  writeFileSync(file, toml);
  return loadSettings(file, host);
}

describe("loadSettings", () => {
  it("gives the defaults of the papers when there is no file", async () => {
    const settings = await loadSettings(join(folder, "missing.toml"));
    expect(settings).toEqual(DEFAULT_SETTINGS);
    expect(settings.python_skills).toEqual({
      enabled: true,
      timeout: 30,
      handshake_timeout: 10,
      max_concurrent: 5,
      max_restarts: 5,
      restart_backoff: [1, 2, 4, 60],
      health_check_interval: 60,
      idle_timeout: 300,
      spares: 1,
      max_message_bytes: 102_400,
    });
    expect(settings.performance.execution).toEqual({
      parallel_execution: true,
      max_concurrent_skills: 5,
      execution_queue_size: 20,
    });
    expect(settings.resilience.health_check).toEqual({ enabled: true, interval: 30 });
    expect(settings.security.resource_limits).toEqual({
      max_memory_mb: 256,
      max_cpu_percent: 80,
      max_execution_time: 300,
      max_file_size_mb: 10,
      max_disk_io_mb: 1024,
    });
    expect(settings.generator).toMatchObject({
      max_llm_turns: 8,
      max_test_rounds: 4,
      discovery_threshold: 0.85,
    });
    expect(settings.security.generated_permissions).toEqual({
      network_access: false,
      file_read: [],
      file_write: [],
      process_spawn: false,
    });
  });

  it("takes what the file says over the defaults, and what the host says over the file", async () => {
    const toml = '[python_skills]\ntimeout = 12\nmax_restarts = 2\n[generator]\nreuse = "threshold"\n';
    const settings = await load(toml, { python_skills: { timeout: 7 } });
    expect(settings.python_skills).toMatchObject({ timeout: 7, max_restarts: 2, max_concurrent: 5 });
    expect(settings.generator).toMatchObject({ reuse: "threshold", max_llm_turns: 8 });
  });

  it("keeps the sandbox on, whatever a file says, unless the host's code says otherwise", async () => {
    expect((await load("")).security.sandbox_enabled).toBe(true);
    const off = "[python_skills]\n[security]\nsandbox_enabled = false\n";
    await expect(load(off)).rejects.toMatchObject({
      code: "home_unusable",
      message: expect.stringContaining("line 3") as unknown,
    });
    const host = { security: { sandbox_enabled: false } };
    await expect(load(off, host)).rejects.toMatchObject({ code: "home_unusable" });
    expect((await load("", host)).security.sandbox_enabled).toBe(false);
    expect((await load("[security]\nsandbox_enabled = true\n")).security.sandbox_enabled).toBe(true);
  });

  it("gives every skill its package to read and /tmp to read and write by default, and nothing more", async () => {
    const { default_permissions } = (await load("")).security;
    expect(default_permissions.file_read).toEqual(["./", "/tmp"]);
    expect(default_permissions.file_write).toEqual(["/tmp"]);
    expect(default_permissions).toMatchObject({ network_access: false, process_spawn: false });
    const more = await load('[security.default_permissions]\nfile_read = ["/srv/data"]\n');
    expect(more.security.default_permissions.file_read).toEqual(["/srv/data"]);
  });

  it("joins what a skill asks for with what every skill has", () => {
    const asked = { network_access: ["a.example"], file_read: ["/a"], file_write: [], process_spawn: false };
    const every = {
      network_access: false,
      file_read: ["./", "/a"],
      file_write: ["/tmp"],
      process_spawn: true,
    };
    expect(joinedPermissions(asked, every)).toEqual({
      network_access: ["a.example"],
      file_read: ["/a", "./"],
      file_write: ["/tmp"],
      process_spawn: true,
    });
    expect(joinedPermissions(asked, { ...every, network_access: true }).network_access).toBe(true);
    expect(joinedPermissions({ ...asked, network_access: false }, every).network_access).toBe(false);
  });

  it("keeps within the host's limits and permissions when the file asks for more", async () => {
    const toml = `[security.resource_limits]
max_memory_mb = 4096
max_execution_time = 5
[security.max_permissions]
network_access = ["a.example", "b.example"]
process_spawn = true
file_read = ["/srv/a", "/srv/b"]
`;
    const host = {
      security: {
        resource_limits: {
          max_memory_mb: 512,
          max_cpu_percent: 50,
          max_execution_time: 60,
          max_file_size_mb: 10,
          max_disk_io_mb: 1024,
        },
        max_permissions: {
          network_access: ["b.example"],
          file_read: ["/srv/b"],
          file_write: [],
          process_spawn: false,
        },
      },
    };
    const { security } = await load(toml, host);
    expect(security.resource_limits).toMatchObject({
      max_memory_mb: 512,
      max_execution_time: 5,
      max_cpu_percent: 50,
    });
    expect(security.max_permissions).toEqual(host.security.max_permissions);
    // without a host that says anything the file decides
    const alone = await load(toml);
    expect(alone.security.resource_limits.max_memory_mb).toBe(4096);
    expect(alone.security.max_permissions.process_spawn).toBe(true);
  });

  it.each([
    [
      "[python_skills]\n\ntimeuot = 3\n",
      'line 3: "python_skills.timeuot": no such key',
      'did you mean "timeout"',
    ],
    ["[python_skills]\ntimeout = -1\n", 'line 2: "python_skills.timeout"', "correct the value"],
    ["[securty]\n", '"securty": no such key', 'did you mean "security"'],
    ["[python_skills\n", "line 1: not valid TOML", "Correct the line"],
  ])("names line, key and fix when the file is wrong: %j", async (toml, message, fix) => {
    await expect(load(toml)).rejects.toMatchObject({
      code: "home_unusable",
      message: expect.stringContaining(message),
      fix: expect.stringContaining(fix),
    });
  });

  it("names the value found when it is of a wrong type", async () => {
    await expect(load('[python_skills]\ntimeout = "soon"\n')).rejects.toMatchObject({
      message: expect.stringMatching(/line 2: "python_skills.timeout": .*, found "soon"$/),
    });
  });

  it("refuses the host's own settings when they are wrong", async () => {
    await expect(load("", { python_skills: { timeout: 0 } })).rejects.toMatchObject({
      code: "invalid_input",
    });
  });
});

describe("commonPermissions", () => {
  it("allows what both allow", () => {
    const open = { network_access: true, file_read: ["/a"], file_write: ["/a"], process_spawn: true };
    const some = {
      network_access: ["x.example"],
      file_read: ["/a", "/b"],
      file_write: [],
      process_spawn: true,
    };
    expect(commonPermissions(open, some)).toEqual({
      network_access: ["x.example"],
      file_read: ["/a"],
      file_write: [],
      process_spawn: true,
    });
  });
});
