import { SkillError } from "../base/errors.ts";
import type { CheckedPackage, StagedFiles } from "./state.ts";
import type { PackageFiles } from "../lifecycle/packages/package-text.ts";
import type { SkillProposal } from "../lifecycle/changes/proposals.ts";

/** A proposal before it is kept: without an id of its own. */
export type FreshProposal = Omit<SkillProposal, "id" | "status" | "created_at">;

/** What stands in no file of the package. */
type Told = Pick<FreshProposal, "intent" | "findings" | "tests" | "maker" | "rounds" | "reuse">;

/** The proposal of a checked package: what its manifest says, its files, and what is told of it. */
export function proposalOf(
  staged: StagedFiles,
  { manifest, dependencies }: CheckedPackage,
  files: PackageFiles,
  told: Told,
): FreshProposal {
  return {
    ...told,
    skill_id: manifest.id,
    name: manifest.name,
    description: manifest.description,
    version: manifest.version,
    manifest_toml: files["manifest.toml"] ?? "",
    script_source: files[manifest.entry_file] ?? "",
    credentials: manifest.credentials,
    dependencies,
    staging_dir: staged.dir,
    digest: staged.digest,
    files,
    permissions: manifest.security.permissions,
  };
}

/** What was staged and checked. @throws {SkillError} `not_found` before that */
export function requireChecked(
  { staged, checked }: { readonly staged: StagedFiles | null; readonly checked: CheckedPackage | null },
): { readonly staged: StagedFiles; readonly checked: CheckedPackage } {
  if (staged !== null && checked !== null) return { staged, checked };
  throw new SkillError("not_found", "nothing was staged to propose");
}
