import { SkillError } from "../base/errors.ts";
import type { SkillLibrary } from "../lifecycle/skill-library.ts";
import { readPackageFiles } from "../manifest/package-files.ts";
import { textOf } from "../lifecycle/packages/package-text.ts";
import { describeFindings } from "./evidence.ts";
import { type FreshProposal, proposalOf } from "./proposal-of.ts";

/**
 * Checks a package folder as what a maker staged is checked, without running it, and gives it as a proposal would show
 * it: nothing is tested, kept or installed.
 *
 * @throws {SkillError} `validation_failed` with all findings in `details`, `invalid_package`
 */
export async function validateStagedSkill(
  { library }: { readonly library: Pick<SkillLibrary, "validate" | "stage"> },
  dir: string,
): Promise<FreshProposal> {
  const { ok, manifest, findings, dependencies = [] } = await library.validate(dir);
  if (!ok || manifest === undefined) {
    throw new SkillError(
      "validation_failed",
      `"${dir}" does not pass: ${describeFindings(findings).slice(0, 2_000)}`,
      {
        details: { findings },
      },
    );
  }
  const files = textOf(await readPackageFiles(dir));
  const { digest } = await library.stage(files);
  return proposalOf({ key: digest, dir, digest }, { manifest, dependencies }, files, {
    intent: manifest.description,
    findings,
    tests: null,
    maker: "",
    rounds: 0,
  });
}
