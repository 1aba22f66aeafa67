import { lstat } from "node:fs/promises";
import { SkillError } from "../base/errors.ts";
import type { SkillLibrary } from "../lifecycle/skill-library.ts";
import type { Actor, SkillInfo } from "../lifecycle/types.ts";
import { requireDigest } from "./approval.ts";
import { examplesOf } from "./revise.ts";
import type { GraphSkills } from "./types.ts";
import type { SkillProposal } from "../lifecycle/changes/proposals.ts";
import type { TestReport } from "../lifecycle/test-report.ts";

/** Options of `installProposal`. */
export interface InstallProposalOptions {
  /** The digest that was approved: it must be the proposal's. */
  readonly approvedDigest: string;
  readonly actor?: Actor;
  readonly signal?: AbortSignal;
}

/**
 * Installs, activates and indexes a proposal. May be called again, also after a crash at any point: what is done is
 * not done twice, and a proposal that is installed gives its skill.
 *
 * @param proposal the proposal or its id; what counts is what the home has stored under that id
 * @throws {SkillError} `approval_required`, `not_found`, `digest_mismatch`, `proposal_decided` when it was rejected, `tests_failed` when it
 * had to be built again and no longer passes, and what activating throws
 */
export async function installProposal(
  skills: GraphSkills,
  proposal: SkillProposal | string,
  options: InstallProposalOptions,
): Promise<SkillInfo> {
  const id = typeof proposal === "string" ? proposal : proposal.id;
  const approved = await approveProposal(skills.library, id, options);
  await placeProposal(skills.library, approved, options);
  await handshakeProposal(skills.library, approved, options);
  const info = await activateProposal(skills.library, approved, options);
  await indexProposal(skills, approved);
  return info;
}

/** Callers without types get here without a digest. */
function requireApproval(id: string, options: InstallProposalOptions | undefined): InstallProposalOptions {
  if (typeof options?.approvedDigest === "string") return options;
  throw new SkillError(
    "approval_required",
    `proposal "${id}" is installed only with the digest that was approved`,
    {
      fix: "show the proposal to a person, and give approvedDigest: the digest that they approve",
    },
  );
}

/** Records the approval. @throws {SkillError} `approval_required`, `not_found`, `digest_mismatch`, `proposal_decided` */
export async function approveProposal(
  library: SkillLibrary,
  id: string,
  options: InstallProposalOptions,
): Promise<SkillProposal> {
  const { approvedDigest, actor } = requireApproval(id, options);
  const proposal = await library.proposal(id);
  requireDigest(approvedDigest, proposal);
  if (proposal.status === "approved" || proposal.status === "installed") return proposal;
  try {
    return await library.decide(id, {
      approved: true,
      digest: approvedDigest,
      ...(actor === undefined ? {} : { actor }),
    });
  } catch (error) {
    // somebody else decided in between: what counts is what they decided
    const now = await library.proposal(id);
    if (now.status === "approved" || now.status === "installed") return now;
    throw error;
  }
}

/**
 * Installs the approved bytes as a candidate, unless they are installed already. What was tested is what is installed;
 * if its staging is gone, it is built again and must pass the same examples again.
 *
 * @throws {SkillError} `digest_mismatch`, `tests_failed`
 */
export async function placeProposal(
  library: SkillLibrary,
  proposal: SkillProposal,
  { actor, signal }: Pick<InstallProposalOptions, "actor" | "signal">,
): Promise<void> {
  if (proposal.status === "installed") return;
  const isStaged = await lstat(proposal.staging_dir).then(() => true, () => false);
  const staged = await library.stage(proposal.files);
  requireDigest(staged.digest, proposal);
  const cancel = signal === undefined ? {} : { signal };
  const tests = isStaged ? proposal.tests : await testAgain(library, proposal, staged.key, signal);
  await library.installStaged(staged.key, {
    ...cancel,
    ...(actor === undefined ? {} : { actor }),
    ...(tests === null ? {} : { tests }),
    triggers: [proposal.intent],
  });
}

/**
 * Tests the candidate from the slot it will serve from: it must start there, answer with its own name and version, and
 * pass its own tests. A candidate that does not is disabled.
 *
 * @throws {SkillError} `tests_failed`, `handshake_failed`
 */
export async function handshakeProposal(
  library: SkillLibrary,
  proposal: SkillProposal,
  options: Pick<InstallProposalOptions, "actor" | "signal">,
): Promise<void> {
  const { candidate } = await library.info(proposal.skill_id);
  if (candidate?.digest !== proposal.digest || candidate.status !== "pending") return;
  const report = await library.test(proposal.skill_id, options).catch(unlessConflict);
  if (report === undefined || report.passed) return;
  await library.advance(proposal.skill_id, "disabled", options.actor);
  throw notPassed(proposal, report, "installed but does not pass from its slot");
}

/** Makes the generation that a proposal was installed as the one that serves. @throws {SkillError} `not_active` */
export async function activateProposal(
  library: SkillLibrary,
  proposal: SkillProposal,
  options: Pick<InstallProposalOptions, "actor" | "signal">,
): Promise<SkillInfo> {
  const { skill_id: id, digest } = proposal;
  if ((await library.info(id)).candidate?.digest === digest) {
    await library.activate(id, options).catch(unlessConflict);
  }
  const info = await library.info(id);
  if (info.serving?.digest === digest) return info;
  throw new SkillError("not_active", `"${id}" ${proposal.version} was installed, but does not serve now`, {
    fix: `see why with skillwright status ${id}`,
    details: { id, digest, serving: info.serving },
  });
}

/** Makes an installed proposal findable by its intent. */
export async function indexProposal(skills: GraphSkills, proposal: SkillProposal): Promise<void> {
  await skills.library.addTrigger(proposal.skill_id, proposal.intent);
  await skills.discovery.sync();
}

async function testAgain(
  library: SkillLibrary,
  proposal: SkillProposal,
  key: string,
  signal: AbortSignal | undefined,
): Promise<TestReport> {
  const cancel = signal === undefined ? {} : { signal };
  const examples = examplesOf(proposal);
  const report = await library.testBuild(await library.build(key, cancel), { ...cancel, examples });
  if (report.passed) return report;
  throw notPassed(proposal, report, "built again, and does not pass any more");
}

function notPassed({ skill_id }: SkillProposal, tests: TestReport, what: string): SkillError {
  const { error } = tests.handshake;
  return new SkillError(error?.code ?? "tests_failed", `"${skill_id}" was ${what}`, {
    details: { tests, ...(error === undefined ? {} : { error }) },
    fix: "look at its tests.log; the version that served before still serves",
  });
}

/** Somebody else, who installs the same proposal, was faster with this step. */
function unlessConflict(error: unknown): undefined {
  if (SkillError.isInstance(error) && error.code === "conflict") return undefined;
  throw error;
}
