import { z } from "zod";
import type { SkillInfo, SkillStatus } from "../lifecycle/types.ts";
import type { Finding } from "../manifest/types.ts";
import type { Operation } from "./types.ts";
import type { SetupResult } from "../lifecycle/serving/setup.ts";
import type { SkillNeed } from "../lifecycle/dependencies/installed.ts";
import type { TestReport } from "../lifecycle/test-report.ts";
import type { Uninstalled } from "../lifecycle/changes/uninstall.ts";
import type { ValidationReport } from "../lifecycle/validation/validate.ts";

/** Answer of an operation that changes one skill. */
export interface SkillAnswer {
  readonly skill_info: SkillInfo;
}

/** Answer of `install`. */
export interface InstallAnswer extends SkillAnswer {
  /** What was installed before, because the skill needs it. */
  readonly dependencies: readonly SkillInfo[];
}

/** Answer of `disable`. */
export interface DisableAnswer extends SkillAnswer {
  /** Skills that serve and need this one. */
  readonly findings: readonly Finding[];
}

/** Answer of `test`. */
export interface TestAnswer extends SkillAnswer {
  readonly report: TestReport;
}

const id = z.string().min(1);

/** Operation `validate`. */
export const validate: Operation<{ package_dir: string }, ValidationReport> = {
  name: "validate",
  description: "Check a package folder without installing it",
  mode: "read_only",
  input: z.object({ package_dir: z.string().min(1) }),
  async handler({ skills }, { package_dir }): Promise<ValidationReport> {
    return await skills.library.validate(package_dir);
  },
};

/** Answer of `verify`. */
export interface VerifyAnswer {
  /** Whether all that is installed is as it was installed. */
  readonly ok: boolean;
  readonly findings: readonly Finding[];
}

/** Operation `verify`. */
export const verify: Operation<{ id: string }, VerifyAnswer> = {
  name: "verify",
  description: "Check that what is installed of a skill is what was installed, by its digests",
  mode: "read_only",
  input: z.object({ id }),
  async handler({ skills }, input): Promise<VerifyAnswer> {
    const findings = await skills.library.verify(input.id);
    return { ok: findings.every(({ severity }) => severity !== "error"), findings };
  },
};

/** Operation `install`. */
export const install: Operation<
  { package_dir: string; test: boolean; frozen: boolean; offline: boolean },
  InstallAnswer
> = {
  name: "install",
  description: "Install a package folder as a candidate, and what it needs of the home before it",
  mode: "full",
  input: z.object({
    package_dir: z.string().min(1),
    test: z.boolean().default(false),
    frozen: z.boolean().default(false),
    offline: z.boolean().default(false),
  }),
  async handler(context, { package_dir, test: alsoTest, ...how }): Promise<InstallAnswer> {
    const { skills, actor, signal, onEvent } = context;
    const dependencies: SkillInfo[] = [];
    const onDependency = (info: SkillInfo): void => void dependencies.push(info);
    const onStage = (detail: string): void =>
      onEvent?.({ kind: "stage", stage: "install", status: "started", detail });
    const options = {
      actor,
      test: alsoTest,
      onDependency,
      onStage,
      ...how,
      ...(signal === undefined ? {} : { signal }),
    };
    return { skill_info: await skills.library.install(package_dir, options), dependencies };
  },
};

/** Operation `test`. */
export const test: Operation<{ id: string }, TestAnswer> = {
  name: "test",
  description: "Run a skill's tests: the candidate's, else the serving version's",
  mode: "full",
  input: z.object({ id }),
  async handler({ skills, actor, signal }, input): Promise<TestAnswer> {
    const report = await skills.library.test(input.id, {
      actor,
      ...(signal === undefined ? {} : { signal }),
    });
    return { skill_info: await skills.library.info(input.id), report };
  },
};

/** Operation `activate`. */
export const activate: Operation<{ id: string }, SkillAnswer> = {
  name: "activate",
  description: "Let the candidate serve calls; the version before is kept for a rollback",
  mode: "full",
  input: z.object({ id }),
  async handler({ skills, actor, signal }, input): Promise<SkillAnswer> {
    return {
      skill_info: await skills.library.activate(input.id, {
        actor,
        ...(signal === undefined ? {} : { signal }),
      }),
    };
  },
};

/** Operation `rollback`. */
export const rollback: Operation<{ id: string }, SkillAnswer> = {
  name: "rollback",
  description: "Go back to the version that served before",
  mode: "full",
  input: z.object({ id }),
  async handler({ skills, actor }, input): Promise<SkillAnswer> {
    return { skill_info: await skills.library.rollback(input.id, actor) };
  },
};

/** Operation `setup`. */
export const setup: Operation<{ id: string }, SetupResult> = {
  name: "setup",
  description: "Run the setup tool of a skill that serves, and keep the environment that it answers",
  mode: "full",
  input: z.object({ id }),
  async handler({ skills, actor, signal }, input): Promise<SetupResult> {
    return await skills.library.setup(input.id, { actor, ...(signal === undefined ? {} : { signal }) });
  },
};

/** Operation `disable`. */
export const disable: Operation<{ id: string }, DisableAnswer> = {
  name: "disable",
  description: "Take a skill out of service",
  mode: "full",
  input: z.object({ id }),
  async handler({ skills: { library }, actor }, input): Promise<DisableAnswer> {
    const skill_info = await library.disable(input.id, actor);
    const needs = (await library.neededBy(input.id)).filter(({ serving }) => serving);
    return { skill_info, findings: skill_info.serving === null ? needs.map(leftAlone) : [] };
  },
};

function leftAlone({ skill_id, version, name, range }: SkillNeed): Finding {
  return {
    severity: "warning",
    rule: "dependencies/disabled",
    message: `"${skill_id} ${version}" serves and needs "${name}" ${range}`,
    fix: `disable "${skill_id}" too, or enable this one again`,
  };
}

/** Operation `uninstall`. */
export const uninstall: Operation<{ id: string; keep_data: boolean }, Uninstalled> = {
  name: "uninstall",
  description: "Remove a skill with all its versions, data and secrets",
  mode: "full",
  input: z.object({ id, keep_data: z.boolean().default(false) }),
  async handler({ skills, actor }, input): Promise<Uninstalled> {
    return await skills.library.uninstall(input.id, { keepData: input.keep_data, actor });
  },
};

/** Operation `quarantine`. */
export const quarantine: Operation<{ id: string; reason: string }, SkillAnswer> = {
  name: "quarantine",
  description: "Take a skill out of service until somebody has looked at it",
  mode: "full",
  input: z.object({ id, reason: z.string().trim().min(1).max(2000) }),
  async handler({ skills, actor }, input): Promise<SkillAnswer> {
    return { skill_info: await skills.library.quarantine(input.id, input.reason, actor) };
  },
};

/** Operation `advance_status`. */
export const advanceStatus: Operation<{ id: string; status: SkillStatus }, SkillAnswer> = {
  name: "advance_status",
  description: "Move a skill along the status table",
  mode: "full",
  input: z.object({ id, status: z.enum(["pending", "testing", "active", "disabled", "quarantined"]) }),
  async handler({ skills, actor }, input): Promise<SkillAnswer> {
    return { skill_info: await skills.library.advance(input.id, input.status, actor) };
  },
};
