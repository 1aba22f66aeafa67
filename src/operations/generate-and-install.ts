import { z } from "zod";
import { SkillError } from "../base/errors.ts";
import { whyAsk } from "../graph/auto-approval.ts";
import { installProposal } from "../graph/generate.ts";
import { readRequest } from "../graph/request.ts";
import { skillSource } from "../graph/source/read-source.ts";
import type { GeneratorOutcome, SkillSource } from "../graph/types.ts";
import type { MakingEntry } from "../observe/history.ts";
import type { SkillInfo } from "../lifecycle/types.ts";
import { exampleInput, generate } from "./generate.ts";
import type { Operation, OperationContext } from "./types.ts";
import type { Example } from "../lifecycle/test-report.ts";
import type { SkillProposal } from "../lifecycle/changes/proposals.ts";

/** What came of it: the generator's outcome, or what happened to a proposal. */
export type GenerateAnswer =
  | GeneratorOutcome
  | { readonly outcome: "installed"; readonly skill_info: SkillInfo; readonly proposal: SkillProposal }
  | { readonly outcome: "approval_needed"; readonly proposal: SkillProposal; readonly reason: string };

interface Input {
  readonly intent: string;
  readonly confirm: boolean;
  readonly digest?: string | undefined;
  readonly examples: readonly Example[];
  readonly source?: SkillSource | undefined;
}

/**
 * Operation `generate_and_install`. Without `confirm` it makes a proposal. With it, it installs the proposal of
 * `digest`, or the one that is pending for the intent; with none it makes one, and installs that only if it asks for no
 * permission at all: everything else a person has to read first. @throws {SkillError} `invalid_intent`
 */
export const generateAndInstall: Operation<Input, GenerateAnswer> = {
  name: "generate_and_install",
  description: "Make a skill for an intent; with confirm, install what was proposed",
  mode: "full",
  input: z.object({
    intent: z.string().default(""),
    confirm: z.boolean().default(false),
    digest: z.string().optional(),
    examples: z.array(exampleInput).max(200).default([]),
    source: skillSource.optional(),
  }),
  async handler(context, { intent: said, confirm, digest, examples, source }): Promise<GenerateAnswer> {
    const { intent } = readRequest({ intent: said, examples, source });
    if (!confirm) return await generate.handler(context, { intent, examples, source });
    const waiting = await pendingFor(context, intent, digest);
    if (waiting !== undefined) return await install(context, waiting, digest ?? waiting.digest);
    const made = await generate.handler(context, { intent, examples, source });
    if (made.outcome !== "proposed") return made;
    const reason = await whyAsk(context.skills.library, made.proposal);
    if (reason !== undefined) return { outcome: "approval_needed", proposal: made.proposal, reason };
    return await install(context, made.proposal, made.proposal.digest);
  },
};

/** How the last attempt at a skill went. */
export interface GenerateStatus {
  readonly skill_id: string;
  /** Of its proposal; `failed` or `existing_match` when there was none. */
  readonly status: SkillProposal["status"] | "failed" | "existing_match";
  readonly proposal: SkillProposal | null;
  /** What the attempt took; null when the history is gone. */
  readonly attempt: MakingEntry | null;
}

/** Operation `generate_status`. */
export const generateStatus: Operation<{ skill_id: string }, GenerateStatus> = {
  name: "generate_status",
  description: "Tell what became of the last attempt to make a skill",
  mode: "read_only",
  input: z.object({ skill_id: z.string().min(1) }),
  async handler({ skills: { library } }, { skill_id }): Promise<GenerateStatus> {
    const [attempt = null] = await library.makings({ skill: skill_id, limit: 1 });
    const proposed = (await library.proposals()).find((one) => one.skill_id === skill_id);
    if (attempt?.outcome === "failed" && attempt.started_at >= (proposed?.created_at ?? 0)) {
      return { skill_id, status: "failed", proposal: null, attempt };
    }
    if (proposed !== undefined) return { skill_id, status: proposed.status, proposal: proposed, attempt };
    if (attempt?.outcome === "existing_match") {
      return { skill_id, status: "existing_match", proposal: null, attempt };
    }
    throw new SkillError("not_found", `no skill "${skill_id.slice(0, 80)}" was ever proposed`, {
      fix: "ask for it by skill.generate",
    });
  },
};

/** The proposal that a confirmation means. @throws {SkillError} `not_found` for a digest; `conflict` when several wait */
async function pendingFor(
  { skills }: OperationContext,
  intent: string,
  digest: string | undefined,
): Promise<SkillProposal | undefined> {
  const pending = await skills.library.proposals({ status: "pending" });
  if (digest !== undefined) {
    const found = pending.find((one) => one.digest === digest);
    if (found !== undefined) return found;
    throw new SkillError("not_found", `no proposal with the digest "${digest.slice(0, 80)}" is pending`, {
      fix: "ask for a preview first, and confirm the digest that it shows",
    });
  }
  const same = pending.filter((one) => one.intent.trim() === intent.trim());
  if (same.length < 2) return same[0];
  throw new SkillError("conflict", `${same.length} proposals are pending for this intent`, {
    fix: "give the digest of the one that you mean",
    details: { digests: same.map((one) => one.digest) },
  });
}

async function install(
  { skills, actor, signal }: OperationContext,
  proposal: SkillProposal,
  approvedDigest: string,
): Promise<GenerateAnswer> {
  const options = { approvedDigest, actor, ...(signal === undefined ? {} : { signal }) };
  const skill_info = await installProposal(skills, proposal, options);
  return { outcome: "installed", skill_info, proposal: await skills.library.proposal(proposal.id) };
}
