import { gt } from "semver";
import { SkillError, type SkillErrorCode } from "../base/errors.ts";
import type { SkillLibrary } from "../lifecycle/skill-library.ts";
import type { Finding, ToolSpec } from "../manifest/types.ts";
import type { GraphContext } from "./config.ts";
import { permissionsBeyond } from "./permission-diff.ts";
import type { CheckedPackage, StagedFiles } from "./state.ts";
import type { Failure } from "./evidence.ts";
import type { ReuseCandidate } from "./types.ts";
import type { Example, TestReport } from "../lifecycle/test-report.ts";
import type { PackageFiles } from "../lifecycle/packages/package-text.ts";
import type { StagedBuild } from "../lifecycle/packages/build.ts";
import type { TestBuildOptions } from "../lifecycle/testing/testing.ts";

/** Codes that no other version of the package would cure: the run ends with them. */
const NOT_THE_MAKERS_FAULT: ReadonlySet<SkillErrorCode> = new Set([
  "cancelled",
  "closed",
  "disabled_by_config",
  "home_busy",
  "home_unusable",
  "index_unreachable",
  "python_unavailable",
  "sandbox_unavailable",
  "untrusted_home",
]);

/**
 * Writes files into staging and throws the folder of an earlier version away. The same files keep their folder.
 *
 * @param onStaged told at once, so that the folder is known even if what follows is abandoned
 */
export async function stageFiles(
  library: SkillLibrary,
  files: PackageFiles,
  earlier: StagedFiles | null,
  onStaged?: (staged: StagedFiles) => void,
): Promise<StagedFiles> {
  const { key, dir, digest } = await library.stage(files);
  onStaged?.({ key, dir, digest });
  if (earlier !== null && earlier.key !== key) await discardStaging(library, earlier);
  return { key, dir, digest };
}

/** Throws a staged folder away, unless a proposal that may still be installed was made from the same bytes. */
export async function discardStaging(library: SkillLibrary, staged: StagedFiles): Promise<void> {
  const waiting = [
    ...await library.proposals({ status: "pending" }),
    ...await library.proposals({ status: "approved" }),
  ];
  if (waiting.some((proposal) => proposal.digest === staged.digest)) return;
  await library.discard(staged.key);
}

/** What was found in a staged package. `checked` is null as long as a finding is an error. */
export interface CheckResult {
  readonly findings: readonly Finding[];
  readonly checked: CheckedPackage | null;
}

/** Validates a staged package as the library does, and as befits what a model wrote: permissions, id, version. */
export async function checkStaged(
  context: Pick<GraphContext, "skills">,
  staged: StagedFiles,
  candidates: readonly Pick<ReuseCandidate, "skill_id">[],
): Promise<CheckResult> {
  const report = await context.skills.library.validate(staged.dir);
  if (report.manifest === undefined) return { findings: report.findings, checked: null };
  const { manifest, dependencies = [] } = report;
  const findings = [
    ...report.findings.map(asOfAMaker),
    ...permissionFindings(context, manifest.security.permissions),
    ...await identityFindings(context.skills.library, manifest, candidates, report.tools ?? []),
  ];
  const ok = report.ok && !findings.some((finding) => finding.severity === "error");
  return { findings, checked: ok ? { manifest, dependencies } : null };
}

/** Rules whose breach a person may have reasons for, and a maker has none. */
const STRICT: ReadonlySet<string> = new Set([
  "script/misnamed-dependency",
  "script/requires-python",
  "script/undefined-name",
  "security/hidden-text",
  "security/secret-in-source",
]);

function asOfAMaker(finding: Finding): Finding {
  return STRICT.has(finding.rule) ? { ...finding, severity: "error" } : finding;
}

/**
 * Builds a staged package and tests it with the examples; with `told`, beyond them.
 *
 * @returns what failed in it, as data
 * @throws {SkillError} for what no other version of the package would cure
 */
export async function tryStaged(
  library: SkillLibrary,
  staged: StagedFiles,
  examples: readonly Example[],
  signal: AbortSignal | undefined,
  { onResult, told }: Pick<TestBuildOptions, "onResult" | "told"> = {},
): Promise<Omit<Failure, "shown"> & { readonly build: StagedBuild | null }> {
  const options = signal === undefined ? {} : { signal };
  let build: StagedBuild | null = null;
  try {
    build = await library.build(staged.key, options);
    const tests: TestReport = await library.testBuild(build, {
      ...options,
      examples,
      ...(told === undefined ? {} : { told }),
      onResult,
    });
    return { build, findings: [], tests };
  } catch (error) {
    if (!SkillError.isInstance(error) || NOT_THE_MAKERS_FAULT.has(error.code)) throw error;
    const findings = (error.details?.["findings"] ?? []) as readonly Finding[];
    return { build, findings, tests: null, error: error.toValue() };
  }
}

function permissionFindings(
  { skills }: Pick<GraphContext, "skills">,
  asked: CheckedPackage["manifest"]["security"]["permissions"],
): readonly Finding[] {
  const beyond = permissionsBeyond(asked, skills.settings.security.generated_permissions);
  return beyond.map((permission): Finding => ({
    severity: "error",
    rule: "graph/permission",
    file: "manifest.toml",
    message: `a generated skill may not have the permission "${permission}" here`,
    fix: "do without it; the permission can be allowed in config.toml, security.generated_permissions",
  }));
}

/** A generated package may be new, or a higher version of a skill that the maker was shown; it may not take another's place. */
async function identityFindings(
  library: SkillLibrary,
  manifest: CheckedPackage["manifest"],
  candidates: readonly Pick<ReuseCandidate, "skill_id">[],
  tools: readonly ToolSpec[],
): Promise<readonly Finding[]> {
  const existing = (await library.list()).find((skill) => skill.id === manifest.id);
  if (existing === undefined) return [];
  const finding = { severity: "error", file: "manifest.toml" } as const;
  if (!candidates.some((candidate) => candidate.skill_id === manifest.id)) {
    return [{
      ...finding,
      rule: "graph/id-taken",
      message: `the id "${manifest.id}" belongs to another skill: ${existing.description.slice(0, 200)}`,
      fix: "choose another id",
    }];
  }
  const newest = existing.candidate?.version ?? existing.serving?.version ?? existing.version;
  const higher: readonly Finding[] = gt(manifest.version, newest) ? [] : [{
    ...finding,
    rule: "graph/version",
    message: `version ${manifest.version} of "${manifest.id}" is not higher than the installed ${newest}`,
    fix: "raise the version",
  }];
  const dropped = existing.tools.filter(({ name }) => !tools.some((tool) => tool.name === name));
  return [
    ...higher,
    ...dropped.map(({ name }): Finding => ({
      ...finding,
      rule: "graph/tool-dropped",
      message:
        `version ${manifest.version} of "${manifest.id}" lacks the tool "${name}", which its callers use`,
      fix: "keep the tool, or choose an id of your own",
    })),
  ];
}
