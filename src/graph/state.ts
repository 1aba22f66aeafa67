import { randomUUID } from "node:crypto";
import type { BaseMessage } from "@langchain/core/messages";
import { Annotation, type AnnotationRoot, type LastValue } from "@langchain/langgraph";
import type { SkillErrorValue } from "../base/errors.ts";
import type { Finding, PythonManifest } from "../manifest/types.ts";
import type { ApprovalAnswer, GeneratorOutcome, ReuseCandidate, SkillSource } from "./types.ts";
import type { Example, TestReport } from "../lifecycle/test-report.ts";
import type { PackageFiles } from "../lifecycle/packages/package-text.ts";

/** What validation said of the files in the state. */
export interface CheckedPackage {
  readonly manifest: PythonManifest;
  readonly dependencies: readonly string[];
}

/** A staged folder: made from the files in the state, named by their digest, so that it can be made again. */
export interface StagedFiles {
  readonly key: string;
  readonly dir: string;
  readonly digest: string;
}

/**
 * State of the generation graph: plain data, no handles, no secrets. It holds the package's files themselves, so a
 * retry, a fork and another process see the same bytes.
 */
export interface SkillGraphState {
  readonly intent: string;
  /** What the caller gave; empty as soon as it was divided into the next two. */
  readonly examples: readonly Example[];
  /** The maker sees these. */
  readonly shown: readonly Example[];
  /** The maker does not see these. */
  readonly held_back: readonly Example[];
  /** What to start from; null as soon as its files are in the state. */
  readonly source: SkillSource | null;
  /** What the maker is told of it, at the start of every round. */
  readonly origin: string;
  /** Names the run in the history. */
  readonly run: string;
  /** Milliseconds since 1970. */
  readonly started_at: number;
  /** Whether an existing skill was taken, and why. */
  readonly reuse: string;
  readonly candidates: readonly ReuseCandidate[];
  readonly files: PackageFiles;
  /** The talk with the maker in this round; every round starts a new one from the files and the evidence. */
  readonly messages: readonly BaseMessage[];
  /** From 1. */
  readonly round: number;
  /** Calls of the maker in this round. */
  readonly turn: number;
  /** Calls of the maker in all rounds. */
  readonly turns: number;
  readonly tokens: number;
  readonly stages_ms: Readonly<Record<string, number>>;
  /** One line for each version that did not pass. */
  readonly attempts: readonly string[];
  /** What the maker is told at the start of this round: why the last version did not pass. */
  readonly evidence: string;
  readonly staged: StagedFiles | null;
  readonly checked: CheckedPackage | null;
  readonly findings: readonly Finding[];
  readonly tests: TestReport | null;
  /** What the verifier wrote; null before it was asked. */
  readonly checks: readonly Example[] | null;
  /** The maker was told once where the verifier expects something else. */
  readonly objected: boolean;
  readonly proposal_id: string | null;
  readonly decision: ApprovalAnswer | null;
  /** Why the last answer was not accepted. */
  readonly refused: SkillErrorValue | null;
  /** The files are a person's edit of the proposal. */
  readonly edited: boolean;
  /** Ends the run. */
  readonly failure: SkillErrorValue | null;
  readonly outcome: GeneratorOutcome | null;
}

/** What a node answers: the keys that change. */
export type StateUpdate = Partial<SkillGraphState>;

type Channels<Keys extends keyof SkillGraphState> = { [Key in Keys]: LastValue<SkillGraphState[Key]> };

/** Channels of the whole state. */
export type StateChannels = Channels<keyof SkillGraphState>;
/** Channels of what `invoke` takes. */
export type InputChannels = Channels<"intent" | "examples" | "source">;
/** Channels of what `invoke` answers. */
export type OutputChannels = Channels<"outcome">;

/** The state's channels: the newest value counts, nothing is merged. */
export function stateAnnotation(): AnnotationRoot<StateChannels> {
  return Annotation.Root({
    intent: Annotation<string>(),
    examples: Annotation<readonly Example[]>(),
    shown: Annotation<readonly Example[]>(),
    held_back: Annotation<readonly Example[]>(),
    source: Annotation<SkillSource | null>(),
    origin: Annotation<string>(),
    run: Annotation<string>(),
    started_at: Annotation<number>(),
    reuse: Annotation<string>(),
    candidates: Annotation<readonly ReuseCandidate[]>(),
    files: Annotation<PackageFiles>(),
    messages: Annotation<readonly BaseMessage[]>(),
    round: Annotation<number>(),
    turn: Annotation<number>(),
    turns: Annotation<number>(),
    tokens: Annotation<number>(),
    stages_ms: Annotation<Readonly<Record<string, number>>>(),
    attempts: Annotation<readonly string[]>(),
    evidence: Annotation<string>(),
    staged: Annotation<StagedFiles | null>(),
    checked: Annotation<CheckedPackage | null>(),
    findings: Annotation<readonly Finding[]>(),
    tests: Annotation<TestReport | null>(),
    checks: Annotation<readonly Example[] | null>(),
    objected: Annotation<boolean>(),
    proposal_id: Annotation<string | null>(),
    decision: Annotation<ApprovalAnswer | null>(),
    refused: Annotation<SkillErrorValue | null>(),
    edited: Annotation<boolean>(),
    failure: Annotation<SkillErrorValue | null>(),
    outcome: Annotation<GeneratorOutcome | null>(),
  });
}

/** The part of the state that a caller gives. */
export function inputAnnotation(): AnnotationRoot<InputChannels> {
  return Annotation.Root({
    intent: Annotation<string>(),
    examples: Annotation<readonly Example[]>(),
    source: Annotation<SkillSource | null>(),
  });
}

/** The part of the state that a caller gets. */
export function outputAnnotation(): AnnotationRoot<OutputChannels> {
  return Annotation.Root({ outcome: Annotation<GeneratorOutcome | null>() });
}

/** The state at the start of a run. Complete, so that a second run on the same thread inherits nothing. */
export function freshState(intent: string): SkillGraphState {
  return {
    intent,
    examples: [],
    shown: [],
    held_back: [],
    source: null,
    origin: "",
    run: randomUUID(),
    started_at: Date.now(),
    reuse: "",
    candidates: [],
    files: {},
    messages: [],
    round: 1,
    turn: 0,
    turns: 0,
    tokens: 0,
    stages_ms: {},
    attempts: [],
    evidence: "",
    staged: null,
    checked: null,
    findings: [],
    tests: null,
    checks: null,
    objected: false,
    proposal_id: null,
    decision: null,
    refused: null,
    edited: false,
    failure: null,
    outcome: null,
  };
}
