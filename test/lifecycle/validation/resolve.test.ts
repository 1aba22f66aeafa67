import { describe, expect, it } from "vitest";
import { environmentRequest, resolveManifest } from "../../../src/lifecycle/validation/resolve.ts";
import { DEFAULT_SETTINGS } from "../../../src/lifecycle/storage/settings.ts";
import { parseManifest } from "../../../src/manifest/manifest.ts";
import type { SkillPackage } from "../../../src/manifest/types.ts";

function packageOf(more: string, requires_python?: string): SkillPackage {
  const { manifest } = parseManifest(
    `id = "s"\nname = "S"\nversion = "1.0.0"\ndescription = "A skill"\n${more}`,
  );
  const script = {
    dependencies: ["httpx"],
    tool: {},
    ...(requires_python === undefined ? {} : { requires_python }),
  };
  return { path: "/s", dir: "/s", form: "manifest.toml", manifest, script, source: "", hints: [] };
}

describe("environmentRequest", () => {
  it("asks for what manifest and header demand, both of Python", () => {
    const asked = packageOf('min_python = "3.11"\nmin_uv_version = "0.5"\nisolation = "shared"\n', "<3.14");
    expect(environmentRequest(asked)).toEqual({
      dependencies: ["httpx"],
      isolation: "shared",
      requires_python: "<3.14,>=3.11",
      min_uv_version: "0.5",
    });
  });

  it("asks for nothing that nobody demands", () => {
    expect(environmentRequest(packageOf(""))).toEqual({ dependencies: ["httpx"], isolation: "venv" });
  });
});

describe("resolveManifest", () => {
  const resolve = (more: string) => {
    const tools = [{ name: "f", description: "", input_schema: { type: "object" }, idempotent: false }];
    const environment = {
      interpreter: "venv/bin/python",
      python_version: "3.11.7",
      site: [],
      roots: [],
      pins: "",
      digest: null,
      uv_version: null,
    };
    const table = { serve: "functions", tools, default_tool: "f", findings: [] } as const;
    return resolveManifest(packageOf(more), table, environment, DEFAULT_SETTINGS, "d");
  };

  it("holds tools, interpreter, timeouts, policy and secrets by name", () => {
    expect(resolve('[[credentials]]\nname = "API_KEY"\n')).toMatchObject({
      format: 1,
      serve: "functions",
      tools: [{ name: "f" }],
      default_tool: "f",
      environment: { interpreter: "venv/bin/python" },
      timeouts: { start: 10, call: 30 },
      limits: {
        max_memory_mb: 256,
        max_cpu_percent: 80,
        max_execution_time: 300,
        max_file_size_mb: 10,
        max_disk_io_mb: 1024,
      },
      manifest: {
        security: {
          permissions: { network_access: false, file_read: [], file_write: [], process_spawn: false },
        },
      },
      env: { API_KEY: "${secret:API_KEY}" },
      digest: "d",
    });
  });

  it("lets a manifest narrow the home's limits and never widen them", () => {
    const { limits, timeouts } = resolve(
      "[security.resource_limits]\nmax_memory_mb = 4096\nmax_cpu_percent = 50\nmax_execution_time = 5\nmax_file_size_mb = 99\n",
    );
    expect(limits).toEqual({
      max_memory_mb: 256,
      max_cpu_percent: 50,
      max_execution_time: 5,
      max_file_size_mb: 10,
      max_disk_io_mb: 1024,
    });
    expect(timeouts.call).toBe(5);
  });
});
