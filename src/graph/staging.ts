import { gt } from "semver";
import { SkillError, type SkillErrorCode } from "../base/errors.ts";
import type { SkillLibrary } from "../lifecycle/skill-library.ts";
import type { Example, PackageFiles, StagedBuild, TestReport } from "../lifecycle/types.ts";
import type { Finding } from "../manifest/types.ts";
import type { GraphContext } from "./config.ts";
import { permissionsBeyond } from "./permission-diff.ts";
import type { CheckedPackage, StagedFiles } from "./state.ts";
import type { Failure } from "./evidence.ts";
import type { ReuseCandidate } from "./types.ts";

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

/** Writes files into staging and throws the folder of an earlier version away. The same files keep their folder. */
export async function stageFiles(
  library: SkillLibrary,
  files: PackageFiles,
  earlier: StagedFiles | null,
): Promise<StagedFiles> {
  const { key, dir, digest } = await library.stage(files);
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
  context: GraphContext,
  staged: StagedFiles,
  candidates: readonly ReuseCandidate[],
): Promise<CheckResult> {
  const report = await context.skills.library.validate(staged.dir);
  if (report.manifest === undefined) return { findings: report.findings, checked: null };
  const { manifest, dependencies = [] } = report;
  const findings = [
    ...report.findings,
    ...permissionFindings(context, manifest.security.permissions),
    ...await identityFindings(context.skills.library, manifest, candidates),
  ];
  const ok = report.ok && !findings.some((finding) => finding.severity === "error");
  return { findings, checked: ok ? { manifest, dependencies } : null };
}

/**
 * Builds a staged package and tests it with the examples.
 *
 * @returns what failed in it, as data
 * @throws {SkillError} for what no other version of the package would cure
 */
export async function tryStaged(
  library: SkillLibrary,
  staged: StagedFiles,
  examples: readonly Example[],
  signal: AbortSignal | undefined,
): Promise<Omit<Failure, "shown"> & { readonly build: StagedBuild | null }> {
  const options = signal === undefined ? {} : { signal };
  let build: StagedBuild | null = null;
  try {
    build = await library.build(staged.key, options);
    const tests: TestReport = await library.testBuild(build, { ...options, examples });
    return { build, findings: [], tests };
  } catch (error) {
    if (!SkillError.isInstance(error) || NOT_THE_MAKERS_FAULT.has(error.code)) throw error;
    const findings = (error.details?.["findings"] ?? []) as readonly Finding[];
    return { build, findings, tests: null, error: error.toValue() };
  }
}

function permissionFindings(
  { skills }: GraphContext,
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
  candidates: readonly ReuseCandidate[],
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
  if (gt(manifest.version, newest)) return [];
  return [{
    ...finding,
    rule: "graph/version",
    message: `version ${manifest.version} of "${manifest.id}" is not higher than the installed ${newest}`,
    fix: "raise the version",
  }];
}
