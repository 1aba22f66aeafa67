import { z } from "zod";
import { SkillError } from "../base/errors.ts";
import { generateProposal, installProposal } from "../graph/generate.ts";
import { discardStaging } from "../graph/staging.ts";
import type { GeneratorOutcome } from "../graph/types.ts";
import type { Example, ProposalStatus, SkillInfo, SkillProposal } from "../lifecycle/types.ts";
import type { Operation } from "./types.ts";

/** An example as front doors take it. */
export const exampleInput: z.ZodType<Example> = z.object({
  tool: z.string().optional(),
  input: z.json(),
  expected: z.json().optional(),
  compare: z.enum(["equal", "approx", "subset", "error"]).optional(),
  description: z.string().max(500).optional(),
}) as z.ZodType<Example>; // optional keys: zod says `T | undefined` where the type says absent

/** Input of `generate`. */
export interface GenerateInput {
  readonly intent: string;
  readonly examples: readonly Example[];
}

/** Operation `generate`. */
export const generate: Operation<GenerateInput, GeneratorOutcome> = {
  name: "generate",
  description: "Make a skill for an intent and propose it; nothing is installed",
  mode: "full",
  input: z.object({ intent: z.string(), examples: z.array(exampleInput).max(200).default([]) }),
  async handler({ skills, maker, signal, onEvent }, request): Promise<GeneratorOutcome> {
    return await generateProposal(
      { skills, ...(maker === undefined ? {} : { model: maker.model, maker: maker.name }) },
      request,
      {
        ...(signal === undefined ? {} : { signal }),
        onEvent: ({ stage, status, ms, detail }) => {
          if (status === undefined) return;
          onEvent?.({
            stage,
            status,
            ...(ms === undefined ? {} : { ms }),
            ...(detail === undefined ? {} : { detail }),
          });
        },
      },
    );
  },
};

/** Operation `proposals`. */
export const proposals: Operation<
  { status?: ProposalStatus | undefined },
  { proposals: readonly SkillProposal[] }
> = {
  name: "proposals",
  description: "List proposals, newest first",
  mode: "read_only",
  input: z.object({ status: z.enum(["pending", "approved", "rejected", "installed"]).optional() }),
  async handler({ skills }, { status }): Promise<{ proposals: readonly SkillProposal[] }> {
    return { proposals: await skills.library.proposals(status === undefined ? {} : { status }) };
  },
};

/** Operation `proposal`. */
export const proposal: Operation<{ id: string }, { proposal: SkillProposal }> = {
  name: "proposal",
  description: "Show one proposal",
  mode: "read_only",
  input: z.object({ id: z.string().min(1) }),
  async handler({ skills }, { id }): Promise<{ proposal: SkillProposal }> {
    return { proposal: await skills.library.proposal(id) };
  },
};

/** Operation `approve`. */
export const approve: Operation<{ id: string; digest: string }, { skill_info: SkillInfo }> = {
  name: "approve",
  description: "Approve exactly these bytes, install and activate them",
  mode: "full",
  input: z.object({ id: z.string().min(1), digest: z.string().min(1) }),
  async handler({ skills, actor, signal }, { id, digest }): Promise<{ skill_info: SkillInfo }> {
    const options = { approvedDigest: digest, actor, ...(signal === undefined ? {} : { signal }) };
    return { skill_info: await installProposal(skills, id, options) };
  },
};

/** Operation `reject`. */
export const reject: Operation<{ id: string; reason: string }, { proposal: SkillProposal }> = {
  name: "reject",
  description: "Reject a proposal",
  mode: "full",
  input: z.object({ id: z.string().min(1), reason: z.string().trim().min(1).max(2000) }),
  async handler({ skills, actor }, { id, reason }): Promise<{ proposal: SkillProposal }> {
    const { digest, status, staging_dir } = await skills.library.proposal(id);
    if (status !== "pending") {
      throw new SkillError("proposal_decided", `proposal "${id}" is already ${status}`);
    }
    const rejected = await skills.library.decide(id, { approved: false, digest, reason, actor });
    await discardStaging(skills.library, { key: digest, dir: staging_dir, digest });
    return { proposal: rejected };
  },
};
