import { z } from "zod";
import { SkillError } from "../base/errors.ts";
import { installProposal } from "../graph/generate.ts";
import { readRequest } from "../graph/request.ts";
import { TEMPLATE_MAKER } from "../graph/scaffold.ts";
import type { GeneratorOutcome } from "../graph/types.ts";
import type { Example, SkillInfo, SkillProposal } from "../lifecycle/types.ts";
import { exampleInput, generate } from "./generate.ts";
import type { Operation, OperationContext } from "./types.ts";

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
    intent: z.string(),
    confirm: z.boolean().default(false),
    digest: z.string().optional(),
    examples: z.array(exampleInput).max(200).default([]),
  }),
  async handler(context, { intent, confirm, digest, examples }): Promise<GenerateAnswer> {
    readRequest({ intent, examples });
    if (!confirm) return await generate.handler(context, { intent, examples });
    const waiting = await pendingFor(context, intent, digest);
    if (waiting !== undefined) return await install(context, waiting, digest ?? waiting.digest);
    const made = await generate.handler(context, { intent, examples });
    if (made.outcome !== "proposed") return made;
    const reason = reasonToAsk(made.proposal);
    if (reason !== undefined) return { outcome: "approval_needed", proposal: made.proposal, reason };
    return await install(context, made.proposal, made.proposal.digest);
  },
};

/** Operation `generate_status`. */
export const generateStatus: Operation<
  { skill_id: string },
  { skill_id: string; status: SkillProposal["status"]; proposal: SkillProposal }
> = {
  name: "generate_status",
  description: "Tell what became of the last proposal for a skill",
  mode: "read_only",
  input: z.object({ skill_id: z.string().min(1) }),
  async handler({ skills }, { skill_id }): Promise<
    { skill_id: string; status: SkillProposal["status"]; proposal: SkillProposal }
  > {
    const all = await skills.library.proposals();
    const last = all.find((one) => one.skill_id === skill_id);
    if (last === undefined) {
      throw new SkillError("not_found", `no skill "${skill_id.slice(0, 80)}" was ever proposed`, {
        fix: "ask for it by skill.generate",
      });
    }
    return { skill_id, status: last.status, proposal: last };
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

/** Why nobody but a person may approve it; undefined when it asks for nothing. */
function reasonToAsk({ permissions, credentials, dependencies, maker }: SkillProposal): string | undefined {
  const { network_access, file_read, file_write, process_spawn } = permissions;
  const network = network_access === true || (Array.isArray(network_access) && network_access.length > 0);
  if (network) return "it asks for the network";
  if (file_read.length > 0 || file_write.length > 0) return "it asks for files";
  if (process_spawn) return "it asks to start processes";
  if (credentials.length > 0) return "it asks for secrets";
  if (dependencies.length > 0) return "it installs packages";
  return maker === TEMPLATE_MAKER ? "it is a scaffold that does nothing yet" : undefined;
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
