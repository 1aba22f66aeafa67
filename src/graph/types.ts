import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import type { Discovery } from "../discovery/types.ts";
import type { Finding } from "../manifest/types.ts";
import type {
  Example,
  HomeSettings,
  SkillInfo,
  SkillLibrary,
  SkillProposal,
  TestReport,
} from "../lifecycle/types.ts";

/** What the graph needs of an opened home. `openSkills` gives it. */
export interface GraphSkills {
  readonly library: SkillLibrary;
  readonly discovery: Discovery;
  readonly settings: HomeSettings;
}

export type GeneratorConfig = HomeSettings["generator"];

export interface SkillGraphOptions {
  readonly skills: GraphSkills;
  /** The maker. Absent: a template writes a scaffold, marked as one. */
  readonly model?: BaseChatModel;
  /** Name of the maker, for proposals and history. Default: what the model says of itself. */
  readonly maker?: string;
  readonly config?: Partial<GeneratorConfig>;
}

/** What goes in. */
export interface GenerateRequest {
  readonly intent: string;
  readonly examples?: readonly Example[];
}

/** Typed value of the interrupt before an install. */
export interface ApprovalRequest {
  readonly kind: "skill_proposal";
  readonly proposal: SkillProposal;
  /** Unified diff against the serving version; empty for a new skill. */
  readonly diff: string;
  /** Permissions asked for, and those that the serving version did not have. */
  readonly new_permissions: readonly string[];
  readonly digest: string;
}

/** The answer that resumes the graph. */
export type ApprovalAnswer =
  | { readonly decision: "approve"; readonly digest: string }
  | { readonly decision: "reject"; readonly reason: string; readonly retry?: boolean }
  | { readonly decision: "edit"; readonly files: Readonly<Record<string, string>> };

export type GeneratorOutcome =
  | {
    readonly outcome: "existing_match";
    readonly skill_id: string;
    readonly name: string;
    readonly score: number;
    readonly how: string;
  }
  | { readonly outcome: "proposed"; readonly proposal: SkillProposal; readonly approve_with: string }
  | { readonly outcome: "installed"; readonly skill: SkillInfo; readonly proposal: SkillProposal }
  | { readonly outcome: "rejected"; readonly reason: string; readonly proposal: SkillProposal }
  | {
    readonly outcome: "failed";
    readonly reason: string;
    readonly code: string;
    readonly findings: readonly Finding[];
    readonly tests: TestReport | null;
  };

/** One event of a run, streamed in `custom` mode. */
export interface GraphEvent {
  readonly kind: "stage" | "file" | "test" | "turn";
  readonly stage: string;
  readonly status?: "started" | "finished" | "failed";
  readonly ms?: number;
  readonly detail?: string;
}
