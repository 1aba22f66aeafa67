import type { Json } from "../base/json.ts";
import type { DocumentSource } from "../discovery/types.ts";
import type { Finding } from "../manifest/types.ts";
import type { MakingEntry, RunEntry, RunStats } from "../observe/history.ts";
import type { InstalledLock } from "./changes/install-locked.ts";
import type { InstallOptions } from "./changes/install.ts";
import type { ReuseNote } from "./changes/note-reuse.ts";
import type { ProposalStatus, SkillProposal } from "./changes/proposals.ts";
import type { SkillSecrets } from "./changes/skill-secrets.ts";
import type { StagedBuild } from "./packages/build.ts";
import type { Uninstalled } from "./changes/uninstall.ts";
import type { Updated, UpdateOptions } from "./changes/update.ts";
import type { SkillNeed } from "./dependencies/installed.ts";
import type { SkillsLock } from "./dependencies/lock.ts";
import type { LibraryEvents } from "./home/home.ts";
import type { PackageFiles } from "./packages/package-text.ts";
import type { AuditRecord } from "./records/audit.ts";
import type { SlotLog } from "./records/slot-log.ts";
import type { RunPlan } from "./serving/explain.ts";
import type { RunOptions, RunResult } from "./serving/run.ts";
import type { SkillProcessInfo } from "./serving/processes.ts";
import type { SetupResult } from "./serving/setup.ts";
import type { RemoteSource, SourceSpace } from "./sources/remote-source.ts";
import type { TestReport } from "./test-report.ts";
import type { TestBuildOptions } from "./testing/testing.ts";
import type { Actor, Generation, SkillInfo, SkillStatus } from "./types.ts";
import type { ValidationReport } from "./validation/validate.ts";

/** Which generations are asked for. */
export interface MakingsFilter {
  readonly skill?: string | undefined;
  /** Milliseconds since 1970. */
  readonly since?: number | undefined;
  readonly limit?: number | undefined;
}

/** The library of one home: every change of state goes through here, in one transaction each. */
export interface SkillLibrary extends DocumentSource {
  readonly dir: string;
  list(): Promise<readonly SkillInfo[]>;
  /** By id. @throws {SkillError} `not_found`, naming the nearest id */
  info(id: string): Promise<SkillInfo>;
  generations(id: string): Promise<readonly Generation[]>;
  /** The serving (else candidate) generation's files as text, binary files left out. */
  files(id: string): Promise<PackageFiles>;

  /** The package in `<home>/<id>`, where a person works on it; undefined when there is none that can be read. */
  sourceFiles(id: string): Promise<PackageFiles | undefined>;
  /** The source of a skill, and what the remote of its space has of it. Nothing changes. @throws {SkillError} `source_unreachable` */
  remoteSource(
    id: string,
    space: SourceSpace,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<RemoteSource>;
  /** The last lines of a log of the slot that the candidate, else what serves, has; of `run` and `setup`, what serves. */
  log(id: string, log: SlotLog, lines?: number): Promise<readonly string[]>;
  /** The newest runs, the last one first. */
  runs(id: string, limit?: number): Promise<readonly RunEntry[]>;
  stats(options?: { readonly skill?: string; readonly since?: number }): Promise<readonly RunStats[]>;
  /** How skills were made, the last generation first; what was decided since about a proposal is in it. */
  makings(options?: MakingsFilter): Promise<readonly MakingEntry[]>;
  /** Takes a note of a generation, in the history. */
  noteMaking(entry: MakingEntry): void;
  /** What changed the home, the last change first. */
  audit(options?: { readonly skill?: string; readonly limit?: number }): Promise<readonly AuditRecord[]>;

  /** Checks a package folder: manifest, header, syntax, entry points against schemas, host policy. Never throws for its content. */
  validate(dir: string): Promise<ValidationReport>;
  /** Writes files into staging, by digest; the same files give the same folder. */
  stage(
    files: PackageFiles,
  ): Promise<{ readonly key: string; readonly dir: string; readonly digest: string }>;
  /** Validates a staged package and builds its environment. @throws {SkillError} `validation_failed` with findings */
  build(key: string, options?: { readonly signal?: AbortSignal }): Promise<StagedBuild>;
  /** Runs handshake, the package's tests and examples, and the caller's examples, in the sandbox. */
  testBuild(staged: StagedBuild, options?: TestBuildOptions): Promise<TestReport>;
  discard(key: string): Promise<void>;

  /** Installs a package folder, or an id of the home, as a candidate: `pending`. */
  install(source: string, options?: InstallOptions): Promise<SkillInfo>;
  /** Writes `skills.lock` into the home: what serves, else waits to, exactly. */
  lock(): Promise<SkillsLock>;
  /** Installs what `skills.lock` names, byte for byte. @throws {SkillError} `not_found`, `digest_mismatch`, `source_unreachable` */
  installLocked(options?: InstallOptions): Promise<InstalledLock>;
  /** Installs what was staged, built and tested. `tests` is kept with the generation. */
  installStaged(key: string, options?: InstallOptions & { readonly tests?: TestReport }): Promise<SkillInfo>;
  test(id: string, options?: { readonly actor?: Actor; readonly signal?: AbortSignal }): Promise<TestReport>;
  activate(
    id: string,
    options?: { readonly actor?: Actor; readonly signal?: AbortSignal },
  ): Promise<SkillInfo>;
  /** Installs, tests and activates what a source has; what served before goes on when it fails. */
  update(id: string, options: UpdateOptions): Promise<Updated>;
  advance(id: string, status: SkillStatus, actor?: Actor): Promise<SkillInfo>;
  disable(id: string, actor?: Actor): Promise<SkillInfo>;
  quarantine(id: string, reason: string, actor?: Actor): Promise<SkillInfo>;
  rollback(id: string, actor?: Actor): Promise<SkillInfo>;
  /** Removes a skill with all its versions; its data and secrets too, unless they are kept. What was edited stays. */
  uninstall(
    id: string,
    options?: { readonly keepData?: boolean; readonly actor?: Actor },
  ): Promise<Uninstalled>;
  /** What other installed skills need of this one, and no other would fulfil. */
  neededBy(id: string): Promise<readonly SkillNeed[]>;
  /** Adds a sentence that should find the skill; bounded, duplicates are ignored. */
  addTrigger(id: string, sentence: string): Promise<void>;
  /** Records in the audit that a skill was taken instead of making one, and why. */
  noteReuse(id: string, found: ReuseNote): Promise<void>;

  /** Starts a process of the serving generation; a daemon is kept for the next call. @throws {SkillError} `not_active` */
  startProcess(id: string): Promise<SkillProcessInfo>;
  /** Ends the processes of a skill at once. @throws {SkillError} `not_found` */
  stopProcesses(id: string): Promise<readonly SkillProcessInfo[]>;
  /** The processes that this library started. */
  processes(): readonly SkillProcessInfo[];
  /** Runs the setup tool of the serving generation and keeps the environment that it answers. @throws {SkillError} `not_active` before activation */
  setup(
    id: string,
    options?: { readonly actor?: Actor; readonly signal?: AbortSignal },
  ): Promise<SetupResult>;
  /** Runs a tool of the serving generation. @throws {SkillError} */
  run(id: string, input: Json, options?: RunOptions): Promise<RunResult>;
  /** How a tool would be run, without running anything. @throws {SkillError} */
  explain(id: string, tool?: string): Promise<RunPlan>;

  /** What is stored for credentials. */
  readonly secrets: SkillSecrets;

  propose(proposal: Omit<SkillProposal, "id" | "status" | "created_at">): Promise<SkillProposal>;
  proposal(id: string): Promise<SkillProposal>;
  proposals(filter?: { readonly status?: ProposalStatus }): Promise<readonly SkillProposal[]>;
  /** Records a decision. `digest` must be the proposal's. @throws {SkillError} `digest_mismatch`, `proposal_decided` */
  decide(
    id: string,
    decision: {
      readonly approved: boolean;
      readonly digest: string;
      readonly reason?: string;
      readonly actor?: Actor;
    },
  ): Promise<SkillProposal>;

  /** What is no longer as it was installed: sources, packages, snapshot, state. @throws {SkillError} `not_found` */
  verify(id: string): Promise<readonly Finding[]>;
  /** What is wrong with the home, and was or was not repaired. */
  check(): Promise<readonly Finding[]>;
  on<Name extends keyof LibraryEvents>(
    name: Name,
    listener: (event: LibraryEvents[Name]) => void,
  ): () => void;
  close(): Promise<void>;
}
