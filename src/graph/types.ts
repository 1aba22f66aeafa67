import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import type { SkillErrorValue } from "../base/errors.ts";
import type { Discovery } from "../discovery/types.ts";
import type { Finding } from "../manifest/types.ts";
import type { SkillLibrary } from "../lifecycle/skill-library.ts";
import type { Actor, SkillInfo } from "../lifecycle/types.ts";
import type { Example, ExampleResult, TestReport } from "../lifecycle/test-report.ts";
import type { HomeSettings } from "../lifecycle/storage/home-settings.ts";
import type { PackageFiles } from "../lifecycle/packages/package-text.ts";
import type { SkillProposal } from "../lifecycle/changes/proposals.ts";

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
  /**
   * Another model, which reads the intent and the tools' interface, never the code, and writes checks of its own. They
   * run in the sandbox; where the skill answers otherwise the maker is asked once, then the person is told.
   */
  readonly verifier?: BaseChatModel;
  /** Narrows or widens the home's `[generator]` settings for this graph. */
  readonly config?: Partial<GeneratorConfig>;
  /** Who is written into the audit as installing. Default: `{ via: "code" }`. */
  readonly actor?: Actor;
}

/** What goes in. */
export interface GenerateRequest {
  readonly intent: string;
  readonly examples?: readonly Example[];
  /** What to start from, instead of from nothing. */
  readonly source?: SkillSource;
}

/** What a generation can start from. It is read, never executed outside of the sandbox. */
export type SkillSource =
  /** A Python script: its public functions become tools. */
  | { readonly kind: "script"; readonly name: string; readonly text: string }
  /** An OpenAPI 3 description, JSON or YAML: its operations become tools. Any other text is for the maker alone. */
  | { readonly kind: "openapi"; readonly name: string; readonly text: string }
  /** A package that was made before, and what is to be done about it. */
  | { readonly kind: "package"; readonly files: PackageFiles; readonly note: string };

/** A skill that exists and looks like the intent, with what is known of how well it fits. */
export interface ReuseCandidate {
  readonly skill_id: string;
  readonly name: string;
  readonly version: string;
  readonly description: string;
  /** Cosine when there is a model, else the fused rank score; 0 to 1. */
  readonly score: number;
  /** The same content words in the same order as one of its triggers. */
  readonly strong: boolean;
  /** What running the caller's examples against it gave, or why that was not done. */
  readonly tried: string;
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
  /** Skills that exist and came near: one of them may do, and then this one is not needed. */
  readonly alternatives: readonly ReuseCandidate[];
  /** What making it cost so far. */
  readonly report: GenerationReport;
  /** Present when the last answer was refused: an approval of another digest, an edit that fails, a malformed answer. */
  readonly refused?: SkillErrorValue;
}

/** The answer that resumes the graph. `by` names the person, for the audit. */
export type ApprovalAnswer =
  | { readonly decision: "approve"; readonly digest: string; readonly by?: string | undefined }
  | {
    readonly decision: "reject";
    readonly reason: string;
    /** true: back to the maker with the reason. */
    readonly retry?: boolean | undefined;
    readonly by?: string | undefined;
  }
  /** Files by path: written over the proposal's; files that are not named stay. */
  | {
    readonly decision: "edit";
    readonly files: Readonly<Record<string, string>>;
    readonly by?: string | undefined;
  };

/** What a generation took. */
export interface GenerationReport {
  readonly maker: string;
  /** Name of the model that wrote checks, when there was one. */
  readonly verifier?: string;
  /** Whether an existing skill was taken, and why. */
  readonly reuse: string;
  /** Versions that were validated or tested, the last one included. */
  readonly rounds: number;
  /** Calls of the maker. */
  readonly turns: number;
  /** Tokens that maker and verifier reported, or a quarter of the characters where they report none. */
  readonly tokens: number;
  /** Caller's examples that the maker saw, and those it did not. */
  readonly shown: number;
  readonly held_back: number;
  /** Wall milliseconds by stage, rounds added up. */
  readonly stages_ms: Readonly<Record<string, number>>;
}

export type GeneratorOutcome =
  & { readonly report: GenerationReport }
  & (
    | {
      readonly outcome: "existing_match";
      readonly skill_id: string;
      readonly name: string;
      readonly score: number;
      /** How the match was established. */
      readonly how: string;
    }
    | { readonly outcome: "proposed"; readonly proposal: SkillProposal; readonly approve_with: string }
    | { readonly outcome: "installed"; readonly skill: SkillInfo; readonly proposal: SkillProposal }
    | { readonly outcome: "rejected"; readonly reason: string; readonly proposal: SkillProposal }
    | {
      readonly outcome: "failed";
      readonly reason: string;
      /** A code of `SKILL_ERROR_CODES`. */
      readonly code: SkillErrorValue["code"];
      readonly fix?: string;
      /** Which budget was used up, when that ended it. */
      readonly budget?: Budget;
      readonly findings: readonly Finding[];
      readonly tests: TestReport | null;
      /** One line for each version that did not pass. */
      readonly attempts: readonly string[];
    }
  );

/** What a generation may use up: `max_llm_turns`, `max_test_rounds`, `max_tokens`, `max_seconds`. */
export type Budget = "turns" | "rounds" | "tokens" | "seconds";

/** One event of a run, streamed in `custom` mode while it happens. */
export interface GraphEvent {
  /**
   * `stage`: a stage begins or ends. `turn`: the maker is asked, or answered. `file`: a file was written. `test`: one
   * example was tried, or (with `tests`) all were.
   */
  readonly kind: "stage" | "file" | "test" | "turn";
  readonly stage: string;
  readonly status: "started" | "finished" | "failed";
  /** From 1: the version that is being made. */
  readonly round: number;
  readonly ms?: number;
  readonly detail?: string;
  /** With kind `turn`: tokens of the run so far. */
  readonly tokens?: number;
  /** With kind `file`: where it was written, and the whole new text. */
  readonly path?: string;
  readonly content?: string;
  /** With kind `test`: one result as it comes, held-back examples included. It is for people, not for the maker. */
  readonly result?: ExampleResult;
  /** With kind `test` and stage `test`: the whole report, held-back examples included. It is for people, not for the maker. */
  readonly tests?: TestReport;
}
