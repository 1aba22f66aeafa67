import { SkillError } from "../base/errors.ts";
import { replacedBy, type SkillProposal } from "../lifecycle/changes/proposals.ts";
import { TOO_LONG } from "../lifecycle/testing/test-build.ts";
import type { Actor } from "../lifecycle/types.ts";
import { type Failure, summarize } from "./evidence.ts";
import { keptExamples } from "./kept-examples.ts";
import { withFiles } from "./package-files.ts";
import { type FreshProposal, proposalOf } from "./proposal-of.ts";
import { checkStaged, discardStaging, stageFiles, tryStaged } from "./staging.ts";
import type { StagedFiles } from "./state.ts";
import type { GraphSkills } from "./types.ts";
import type { Example } from "../lifecycle/test-report.ts";
import type { PackageFiles } from "../lifecycle/packages/package-text.ts";

/** Who edits, and how it can be ended. */
export interface ReviseOptions {
  readonly actor?: Actor;
  readonly signal?: AbortSignal;
}

/**
 * A person's edit of a proposal that waits: validated and tested as the first version was, with the same examples.
 * What passes is a proposal of its own, with a digest of its own, and takes the old one's place. Nothing is approved.
 *
 * @param given the whole package, as it shall be
 * @throws {SkillError} `not_found`, `proposal_decided`, `invalid_package`; `validation_failed` and `tests_failed` leave
 * the old proposal as it is
 */
export async function reviseProposal(
  skills: GraphSkills,
  id: string,
  given: PackageFiles,
  { actor, signal }: ReviseOptions = {},
): Promise<SkillProposal> {
  const { library } = skills;
  const old = await library.proposal(id);
  if (old.status !== "pending") {
    throw new SkillError("proposal_decided", `proposal "${id}" is ${old.status} already`);
  }
  const files = withFiles({}, given);
  const staged = await stageFiles(library, files, null);
  if (staged.digest === old.digest) return old;
  let proposal: SkillProposal;
  try {
    proposal = await library.propose(await passed(skills, old, { staged, files, actor }, signal));
  } catch (error) {
    await discardStaging(library, staged);
    throw error;
  }
  const reason = replacedBy(proposal.id);
  const who = actor === undefined ? {} : { actor };
  await library.decide(id, { approved: false, digest: old.digest, reason, ...who });
  await discardStaging(library, { key: old.digest, dir: old.staging_dir, digest: old.digest });
  return proposal;
}

/** The caller's examples that a proposal was tested with; those too long to be kept are gone. */
export function examplesOf({ tests }: Pick<SkillProposal, "tests">): readonly Example[] {
  return (tests?.given ?? []).map(({ example }) => example).filter(({ input }) => input !== TOO_LONG);
}

interface Edit {
  readonly staged: StagedFiles;
  readonly files: PackageFiles;
  readonly actor: Actor | undefined;
}

async function passed(
  skills: GraphSkills,
  old: SkillProposal,
  { staged, files, actor }: Edit,
  signal: AbortSignal | undefined,
): Promise<FreshProposal> {
  const { findings, checked } = await checkStaged({ skills }, staged, [old]);
  if (checked === null) throw refused({ findings, tests: null });
  const examples = [...examplesOf(old), ...await keptExamples(skills.library, checked.manifest.id)];
  const tried = await tryStaged(skills.library, staged, examples, signal);
  if (tried.tests?.passed !== true) throw refused(tried);
  return proposalOf(staged, checked, files, {
    intent: old.intent,
    findings,
    tests: tried.tests,
    maker: `${old.maker}, edited by ${actor?.name ?? actor?.via ?? "code"}`,
    rounds: old.rounds,
    ...(old.reuse === undefined ? {} : { reuse: old.reuse }),
  });
}

function refused(failure: Omit<Failure, "shown">): SkillError {
  const { findings, tests } = failure;
  return new SkillError(
    tests === null ? "validation_failed" : "tests_failed",
    `the edited version does not pass: ${summarize({ ...failure, shown: tests?.given.length ?? 0 })}`,
    { fix: "the proposal is as it was; edit again", details: { findings, tests } },
  );
}
