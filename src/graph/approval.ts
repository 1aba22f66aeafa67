import { z } from "zod";
import { SkillError, type SkillErrorValue } from "../base/errors.ts";
import type { SkillLibrary } from "../lifecycle/skill-library.ts";
import { diffFiles } from "./file-diff.ts";
import { describePermissions, permissionsBeyond } from "./permission-diff.ts";
import type { ApprovalAnswer, ApprovalRequest, GenerationReport, ReuseCandidate } from "./types.ts";
import type { SkillProposal } from "../lifecycle/changes/proposals.ts";

const by = z.string().max(200).optional().describe("who decides, for the audit");

/** The form of the answer that resumes the graph. */
export const approvalAnswer: z.ZodType<ApprovalAnswer> = z.discriminatedUnion("decision", [
  z.object({
    decision: z.literal("approve"),
    digest: z.string().regex(/^[0-9a-f]{64}$/).describe("the digest of what was read"),
    by,
  }),
  z.object({
    decision: z.literal("reject"),
    reason: z.string().trim().min(1).max(2_000),
    retry: z.boolean().optional().describe("true: the maker tries again and is told the reason"),
    by,
  }),
  z.object({
    decision: z.literal("edit"),
    files: z.record(z.string(), z.string()).describe("files by path, replacing those of the proposal"),
    by,
  }),
]);

/**
 * Reads an answer to the request for a proposal.
 *
 * @throws {SkillError} `invalid_input` when it does not fit the form, `digest_mismatch` when it approves other bytes
 */
export function readAnswer(given: unknown, proposal: Pick<SkillProposal, "id" | "digest">): ApprovalAnswer {
  const parsed = approvalAnswer.safeParse(given);
  if (!parsed.success) {
    throw new SkillError(
      "invalid_input",
      `the answer does not fit: ${z.prettifyError(parsed.error).slice(0, 500)}`,
      {
        fix:
          `answer { decision: "approve", digest } or { decision: "reject", reason } or { decision: "edit", files }`,
      },
    );
  }
  requireDigest(parsed.data.decision === "approve" ? parsed.data.digest : proposal.digest, proposal);
  return parsed.data;
}

/** @throws {SkillError} `digest_mismatch` unless `approved` is the digest of the proposal */
export function requireDigest(approved: string, proposal: Pick<SkillProposal, "id" | "digest">): void {
  if (approved === proposal.digest) return;
  throw new SkillError(
    "digest_mismatch",
    `proposal "${proposal.id}" has the digest ${proposal.digest}, the approval is for ${
      approved.slice(0, 80)
    }`,
    {
      fix: "read the proposal again and approve the digest it shows",
      details: { expected: proposal.digest },
    },
  );
}

/** The command that approves a proposal. */
export function approveWith({ id, digest }: Pick<SkillProposal, "id" | "digest">): string {
  return `skillwright approve ${id} --digest ${digest}`;
}

/** How a proposal differs from what serves now. */
export interface ProposedChange {
  /** The version that it would take the place of. */
  readonly replaces: string | null;
  /** Unified diff against that version; of a new skill, all its files as added. */
  readonly diff: string;
  /** Permissions that the version it replaces did not have. */
  readonly new_permissions: readonly string[];
}

/** Compares a proposal with what serves now. */
export async function compareProposal(
  library: SkillLibrary,
  proposal: Pick<SkillProposal, "skill_id" | "files" | "permissions">,
): Promise<ProposedChange> {
  const { skill_id, files, permissions } = proposal;
  const serving = (await library.list()).find((skill) => skill.id === skill_id && skill.serving !== null);
  if (serving === undefined) {
    return { replaces: null, diff: diffFiles({}, files), new_permissions: describePermissions(permissions) };
  }
  return {
    replaces: serving.serving?.version ?? serving.version,
    diff: diffFiles(await library.files(skill_id), files),
    new_permissions: permissionsBeyond(permissions, serving.permissions),
  };
}

/** What a person is asked: the proposal, and how it differs from what serves now. */
export async function approvalRequest(
  library: SkillLibrary,
  proposal: SkillProposal,
  report: GenerationReport,
  { refused, alternatives }: {
    readonly refused: SkillErrorValue | null;
    readonly alternatives: readonly ReuseCandidate[];
  },
): Promise<ApprovalRequest> {
  const { replaces, diff, new_permissions } = await compareProposal(library, proposal);
  return {
    kind: "skill_proposal",
    proposal,
    diff: replaces === null ? "" : diff,
    new_permissions,
    digest: proposal.digest,
    alternatives,
    report,
    ...(refused === null ? {} : { refused }),
  };
}
