import { z } from "zod";
import { SkillError } from "../base/errors.ts";
import { enforcedHere, type Enforcement } from "../sandbox/policy/enforced-by.ts";
import type { BackendName, Capability } from "../sandbox/types.ts";
import type { Finding } from "../manifest/types.ts";
import type { InstallConfinement } from "../environment/types.ts";
import type { Operation } from "./types.ts";
import type { OperationSkills } from "./types.ts";
import type { PackageFiles } from "../lifecycle/packages/package-text.ts";

/** Something that keeps a part from working, and what helps. */
export interface Problem {
  readonly part: "sandbox" | "python" | "uv" | "model" | "skill" | "home";
  readonly message: string;
  readonly fix?: string;
}

/** What works here. `ok` is true only when the sandbox's canary ran and a real skill answered. */
export interface DoctorReport {
  readonly ok: boolean;
  readonly home: string;
  readonly sandbox: {
    readonly backend: BackendName;
    readonly usable: boolean;
    readonly enforced: readonly Capability[];
    /** What keeps each promise. */
    readonly means: readonly Enforcement[];
    readonly missing: readonly {
      readonly capability: Capability;
      readonly reason: string;
      readonly fix: string;
    }[];
  };
  readonly python: { readonly path: string; readonly version: string } | null;
  readonly uv: { readonly path: string; readonly version: string; readonly source: string } | null;
  /** What holds uv while it installs a skill's packages; null without uv. */
  readonly install: InstallConfinement | null;
  readonly model: { readonly ok: boolean; readonly name: string; readonly reason?: string };
  /** The probe skill's answer, from nothing to a checked value. */
  readonly skill: { readonly ok: boolean; readonly ms: number };
  readonly home_findings: readonly Finding[];
  readonly problems: readonly Problem[];
}

/** Operation `doctor`. */
export const doctor: Operation<Record<string, never>, DoctorReport> = {
  name: "doctor",
  description: "Say what works on this machine and how to get what does not",
  mode: "read_only",
  input: z.object({}),
  async handler({ skills }): Promise<DoctorReport> {
    const problems: Problem[] = [];
    const note = (part: Problem["part"], error: unknown): null => {
      const { message, fix } = SkillError.from(error, "home_unusable", `checking the ${part} failed`);
      problems.push({ part, message, ...(fix === undefined ? {} : { fix }) });
      return null;
    };
    const sandbox = await skills.sandbox.probe();
    if (!sandbox.usable) {
      problems.push(
        ...sandbox.missing.map(({ reason, fix }) => ({ part: "sandbox" as const, message: reason, fix })),
      );
    }
    const python = await skills.environments.python().catch((error: unknown) => note("python", error));
    const uv = await skills.environments.findUv().catch((error: unknown) => note("uv", error)) ?? null;
    const install = await skills.environments.confinement().catch((error: unknown) => note("uv", error)) ??
      null;
    const model = await skills.discovery.probe();
    if (!model.ok) {
      problems.push({
        part: "model",
        message: `search is lexical only: ${model.reason ?? "the model does not load"}`,
        ...(model.fix === undefined ? {} : { fix: model.fix }),
      });
    }
    const skill = await answerOfProbe(skills).catch((error: unknown) => note("skill", error));
    return {
      ok: sandbox.usable && skill !== null,
      home: skills.library.dir,
      sandbox: { ...sandbox, means: enforcedHere(sandbox) },
      python: python === null ? null : { path: python.path, version: python.version },
      uv,
      install,
      model: {
        ok: model.ok,
        name: model.model,
        ...(model.reason === undefined ? {} : { reason: model.reason }),
      },
      skill: { ok: skill !== null, ms: skill ?? 0 },
      home_findings: await skills.library.check(),
      problems,
    };
  },
};

const PROBE: PackageFiles = {
  "manifest.toml": `id = "doctor_probe"
name = "Doctor's probe"
version = "1.0.0"
description = "Doubles a number, to see whether a skill runs here"

[[tools]]
name = "double"
description = "Twice the number"
input_schema = { type = "object", properties = { number = { type = "integer" } }, required = ["number"] }
output_schema = { type = "integer" }
`,
  "skill.py": `# /// script
# requires-python = ">=3.9"
# dependencies = []
# ///
def double(number: int) -> int:
    return number * 2
`,
};

/** Builds and calls a real skill in the real sandbox, and leaves nothing. Answers how many milliseconds it took. */
async function answerOfProbe({ library }: OperationSkills): Promise<number> {
  const started = performance.now();
  const { key } = await library.stage(PROBE);
  try {
    const staged = await library.build(key);
    const report = await library.testBuild(staged, { examples: [{ input: { number: 21 }, expected: 42 }] });
    if (report.passed) return performance.now() - started;
    const error = report.handshake.error ?? report.given[0]?.error;
    const message = `the probe skill did not answer: ${error?.message ?? report.logs}`;
    throw new SkillError("tests_failed", message, error?.fix === undefined ? {} : { fix: error.fix });
  } finally {
    await library.discard(key);
  }
}
