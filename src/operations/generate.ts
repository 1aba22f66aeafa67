import { z } from "zod";
import { SkillError } from "../base/errors.ts";
import { compareProposal, type ProposedChange } from "../graph/approval.ts";
import { approvedByPolicy, POLICY } from "../graph/auto-approval.ts";
import { generatorConfig } from "../graph/config.ts";
import { type GenerateOptions, generateProposal, installProposal } from "../graph/generate.ts";
import { examplesOf, reviseProposal } from "../graph/revise.ts";
import { skillSource } from "../graph/source/read-source.ts";
import { discardStaging } from "../graph/staging.ts";
import type {
  GenerateRequest,
  GeneratorConfig,
  GeneratorOutcome,
  SkillGraphOptions,
  SkillSource,
} from "../graph/types.ts";
import type { SkillInfo } from "../lifecycle/types.ts";
import type { Operation, OperationContext } from "./types.ts";
import type { Example, ExampleResult } from "../lifecycle/test-report.ts";
import type { PackageFiles } from "../lifecycle/packages/package-text.ts";
import type { ProposalStatus, SkillProposal } from "../lifecycle/changes/proposals.ts";

const texts = z.record(z.string().min(1).max(500), z.string());

/** An example as front doors take it. */
export const exampleInput: z.ZodType<Example> = z.object({
  tool: z.string().optional(),
  input: z.json(),
  expected: z.json().optional(),
  compare: z.enum(["equal", "approx", "subset", "error"]).optional(),
  description: z.string().max(500).optional(),
  files: texts.optional().describe("text files that the call finds below in/, by relative path"),
  artifacts: texts.optional().describe("text files that it must leave below out/"),
}) as z.ZodType<Example>; // optional keys: zod says `T | undefined` where the type says absent

/** Budgets as front doors take them: narrower or wider than the home's. */
interface Budgets {
  readonly max_llm_turns?: number | undefined;
  readonly max_test_rounds?: number | undefined;
  readonly max_tokens?: number | undefined;
  readonly max_seconds?: number | undefined;
}

const budgets: z.ZodType<Budgets> = z.object({
  max_llm_turns: z.int().min(1).max(1000).optional(),
  max_test_rounds: z.int().min(1).max(1000).optional(),
  max_tokens: z.int().min(1).optional(),
  max_seconds: z.number().positive().max(86_400).optional(),
});

/** Input of `generate`. */
export interface GenerateInput {
  readonly intent: string;
  readonly examples: readonly Example[];
  readonly source?: SkillSource | undefined;
  readonly budgets?: Budgets | undefined;
}

/** Operation `generate`. */
export const generate: Operation<GenerateInput, GeneratorOutcome> = {
  name: "generate",
  description: "Make a skill for an intent and propose it; nothing is installed",
  mode: "full",
  input: z.object({
    intent: z.string().default(""),
    examples: z.array(exampleInput).max(200).default([]),
    source: skillSource.optional(),
    budgets: budgets.optional(),
  }),
  async handler(context, { budgets: config = {}, intent, examples, source }): Promise<GeneratorOutcome> {
    const request = { intent, examples, ...(source === undefined ? {} : { source }) };
    return await propose(context, request, config as Partial<GeneratorConfig>);
  },
};

/** @throws {SkillError} `cancelled` when the caller's signal ended it */
async function propose(
  context: OperationContext,
  request: GenerateRequest,
  config: Partial<GeneratorConfig> = {},
): Promise<GeneratorOutcome> {
  try {
    return await generateProposal({ ...makers(context), config }, request, telling(context));
  } catch (error) {
    if (context.signal?.aborted !== true || SkillError.isInstance(error)) throw error;
    throw new SkillError("cancelled", "making the skill was cancelled, nothing is left of it", {
      cause: error,
    });
  }
}

function makers({ skills, actor, maker, verifier }: OperationContext): SkillGraphOptions {
  return {
    skills,
    actor,
    ...(maker === undefined ? {} : { model: maker.model, maker: maker.name }),
    ...(verifier === undefined ? {} : { verifier }),
  };
}

function telling({ signal, onEvent }: OperationContext): GenerateOptions {
  return {
    ...(signal === undefined ? {} : { signal }),
    onEvent: ({ kind, stage, status, round, ms, detail, result }) => {
      const said = detail ?? (result === undefined ? undefined : resultText(result));
      onEvent?.({
        kind,
        stage,
        status,
        round,
        ...(ms === undefined ? {} : { ms }),
        ...(said === undefined ? {} : { detail: said }),
      });
    },
  };
}

function resultText({ example, status }: ExampleResult): string {
  return `${status} ${JSON.stringify(example.input).slice(0, 200)}`;
}

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
export const proposal: Operation<{ id: string }, { proposal: SkillProposal } & ProposedChange> = {
  name: "proposal",
  description: "Show one proposal, and how it differs from what serves now",
  mode: "read_only",
  input: z.object({ id: z.string().min(1) }),
  async handler({ skills }, { id }): Promise<{ proposal: SkillProposal } & ProposedChange> {
    const found = await findProposal(skills, id);
    return { proposal: found, ...await compareProposal(skills.library, found) };
  },
};

/** Operation `edit_proposal`. */
export const editProposal: Operation<
  { id: string; files: PackageFiles; whole: boolean },
  { proposal: SkillProposal; replaces_proposal: string }
> = {
  name: "edit_proposal",
  description:
    "Change files of a proposal: validated and tested again, it is a new proposal with a new digest",
  mode: "full",
  input: z.object({
    id: z.string().min(1),
    files: z.record(z.string(), z.string()).describe("by path; the others stay as they are"),
    whole: z.boolean().default(false).describe("true: these are all its files"),
  }),
  async handler({ skills, actor, signal }, { id, files, whole }): Promise<
    { proposal: SkillProposal; replaces_proposal: string }
  > {
    const old = await findProposal(skills, id);
    const options = { actor, ...(signal === undefined ? {} : { signal }) };
    return {
      proposal: await reviseProposal(skills, old.id, { ...(whole ? {} : old.files), ...files }, options),
      replaces_proposal: old.id,
    };
  },
};

/** Operation `approve_by_policy`: installs what the home's own settings approve, and nothing else. */
export const approveByPolicy: Operation<{ id: string }, { skill_info: SkillInfo | null }> = {
  name: "approve_by_policy",
  description: "Install a proposal that generator.auto_approve allows to install without a person",
  mode: "full",
  input: z.object({ id: z.string().min(1) }),
  async handler({ skills, actor, signal }, { id }): Promise<{ skill_info: SkillInfo | null }> {
    const found = await skills.library.proposal(id);
    const config = generatorConfig({ skills });
    if (!await approvedByPolicy({ skills, config }, found)) return { skill_info: null };
    const by = { ...actor, name: POLICY };
    const options = { approvedDigest: found.digest, actor: by, ...(signal === undefined ? {} : { signal }) };
    return { skill_info: await installProposal(skills, id, options) };
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
    return { skill_info: await installProposal(skills, (await findProposal(skills, id)).id, options) };
  },
};

/** Signs of an id that are enough to mean it. */
const ENOUGH = 6;

/** A proposal by its id, or by the beginning of it that no other has. @throws {SkillError} `not_found` */
async function findProposal(
  { library }: OperationContext["skills"],
  id: string,
): Promise<SkillProposal> {
  try {
    return await library.proposal(id);
  } catch (error) {
    const near = id.length < ENOUGH ? [] : (await library.proposals()).filter((one) => one.id.startsWith(id));
    const [only] = near;
    if (only === undefined || near.length > 1) throw error;
    return only;
  }
}

/** Characters of the reason for a rejection. */
export const MOST_REASON = 2000;

/** What came of a rejection. */
export interface Rejection {
  readonly proposal: SkillProposal;
  /** With `retry`: what the maker made of the reason. */
  readonly next?: GeneratorOutcome;
}

/** Operation `reject`. With `retry` the maker is told the reason and tries again, from the same files. */
export const reject: Operation<{ id: string; reason: string; retry: boolean }, Rejection> = {
  name: "reject",
  description: "Reject a proposal; with retry, back to the maker with the reason",
  mode: "full",
  input: z.object({
    id: z.string().min(1),
    reason: z.string().trim().min(1).max(MOST_REASON),
    retry: z.boolean().default(false),
  }),
  async handler(context, { id: given, reason, retry }): Promise<Rejection> {
    const { skills, actor, maker } = context;
    const { id, digest, status, staging_dir, intent, files, tests } = await findProposal(skills, given);
    if (status !== "pending") {
      throw new SkillError("proposal_decided", `proposal "${id}" is already ${status}`);
    }
    if (retry && maker === undefined) {
      throw new SkillError("invalid_input", "there is no maker that could try again", {
        fix: "name a chat model, or reject without retry",
      });
    }
    const rejected = await skills.library.decide(id, { approved: false, digest, reason, actor });
    await discardStaging(skills.library, { key: digest, dir: staging_dir, digest });
    if (!retry) return { proposal: rejected };
    const note = `It passed its tests, but the person who decides rejected it and says:\n${reason}`;
    const source = { kind: "package", files, note } as const;
    const next = await propose(context, { intent, examples: examplesOf({ tests }), source });
    return { proposal: rejected, next };
  },
};
