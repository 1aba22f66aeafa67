import type { Json } from "../base/json.ts";
import type { SearchDocument } from "../discovery/types.ts";
import type { Finding } from "../manifest/types.ts";
import type { MakingEntry, RunEntry, RunStats } from "../observe/history.ts";
import type { Runner } from "../runner/types.ts";
import { type InstalledLock, installFrozen, installLocked } from "./changes/install-locked.ts";
import { type InstallOptions, installSource, installStaged } from "./changes/install.ts";
import { noteReuse, type ReuseNote } from "./changes/note-reuse.ts";
import {
  decide,
  type Decision,
  findProposal,
  listProposals,
  type ProposalStatus,
  propose,
  type SkillProposal,
  withDecision,
} from "./changes/proposals.ts";
import { secretsOf, type SkillSecrets } from "./changes/skill-secrets.ts";
import { buildStaged, stageFiles } from "./changes/stage.ts";
import {
  activateSkill,
  advanceSkill,
  disableSkill,
  quarantineSkill,
  rollbackSkill,
} from "./changes/status-changes.ts";
import { testInstalled } from "./changes/test-installed.ts";
import { addTrigger } from "./changes/triggers.ts";
import { type Uninstalled, uninstallSkill } from "./changes/uninstall.ts";
import { type Updated, type UpdateOptions, updateSkill } from "./changes/update.ts";
import { needsFulfilledBy, type SkillNeed } from "./dependencies/installed.ts";
import { type SkillsLock, writeLock } from "./dependencies/lock.ts";
import { checkHome, checkSkill } from "./home/check.ts";
import { type Home, type LibraryEvents, openHome, type OpenHomeOptions } from "./home/home.ts";
import { installedFiles, sourceFiles } from "./home/skill-files.ts";
import { readSkillLog } from "./home/skill-log.ts";
import type { StagedBuild } from "./packages/build.ts";
import type { PackageFiles } from "./packages/package-text.ts";
import { type AuditRecord, readAudit } from "./records/audit.ts";
import { skillDocument } from "./records/documents.ts";
import { lastRevision, type SkillRecord } from "./records/records.ts";
import { bareGeneration, servingOf, skillInfo } from "./records/skill-record.ts";
import type { SlotLog } from "./records/slot-log.ts";
import { explainSkill, type RunPlan } from "./serving/explain.ts";
import { listProcesses, type SkillProcessInfo, startProcess, stopProcesses } from "./serving/processes.ts";
import { type RunOptions, type RunResult, runSkill } from "./serving/run.ts";
import { Serving } from "./serving/serving.ts";
import { type SetupResult, setupSkill } from "./serving/setup.ts";
import type { MakingsFilter, SkillLibrary } from "./skill-library.ts";
import { readRemoteSource, type RemoteSource, type SourceSpace } from "./sources/remote-source.ts";
import { validateSource } from "./sources/validate-source.ts";
import { withHomeFiles } from "./storage/home-failure.ts";
import type { HomeSettings } from "./storage/home-settings.ts";
import type { TestReport } from "./test-report.ts";
import { type OperationOptions, type TestBuildOptions, testSkill, testStaged } from "./testing/testing.ts";
import type { Actor, Generation, SkillInfo, SkillStatus } from "./types.ts";
import type { ValidationReport } from "./validation/validate.ts";

/** A library as it is opened: what everybody needs, and what the composition root does. */
export interface OpenedLibrary extends SkillLibrary {
  readonly settings: HomeSettings;
  /** Whether this user made or trusted the home, or the host's code chose it. */
  readonly trusted: boolean;
  /** What runs its skills: given, or made for the settings. */
  readonly runner: Runner;
}

/**
 * Opens the library of a home. `environments` and `runner` stay the caller's: they are not closed with it.
 *
 * @throws {SkillError} `home_unusable`, `home_busy`, `invalid_input`
 */
export async function openLibrary(options: OpenHomeOptions): Promise<OpenedLibrary> {
  return new LocalLibrary(await openHome(options));
}

class LocalLibrary implements OpenedLibrary {
  readonly secrets: SkillSecrets;
  readonly #home: Home;
  readonly #serving: Serving;
  readonly #documents = new WeakMap<SkillRecord, SearchDocument>();

  constructor(home: Home) {
    this.#home = home;
    this.#serving = new Serving(home);
    this.secrets = secretsOf(home);
  }

  get dir(): string {
    return this.#home.layout.dir;
  }

  get settings(): HomeSettings {
    return this.#home.settings;
  }

  get trusted(): boolean {
    return this.#home.trusted;
  }

  get runner(): Runner {
    return this.#home.runner;
  }

  async revision(): Promise<number> {
    return await Promise.resolve(lastRevision(this.#home.db.sql));
  }

  async documents(): Promise<readonly SearchDocument[]> {
    return await Promise.resolve(this.#home.view.all().map((record) => this.#document(record)));
  }

  async list(): Promise<readonly SkillInfo[]> {
    return await Promise.resolve(this.#home.view.all().map((record) => this.#info(record)));
  }

  async info(id: string): Promise<SkillInfo> {
    return await Promise.resolve(this.#info(this.#home.view.get(id)));
  }

  #info(record: SkillRecord): SkillInfo {
    const serving = servingOf(record);
    const health = serving === undefined ? undefined : this.#serving.healthOf(serving);
    return { ...skillInfo(record), ...(health === undefined ? {} : { health }) };
  }

  async generations(id: string): Promise<readonly Generation[]> {
    return await Promise.resolve(this.#home.view.get(id).generations.map(bareGeneration));
  }

  files(id: string): Promise<PackageFiles> {
    return withHomeFiles(() => installedFiles(this.#home, id));
  }

  async validate(dir: string): Promise<ValidationReport> {
    return await validateSource(this.#home, dir);
  }

  stage(files: PackageFiles): ReturnType<SkillLibrary["stage"]> {
    return withHomeFiles(() => stageFiles(this.#home, files));
  }

  build(key: string, options?: { readonly signal?: AbortSignal }): Promise<StagedBuild> {
    return withHomeFiles(() => buildStaged(this.#home, key, options));
  }

  testBuild(staged: StagedBuild, options?: TestBuildOptions): Promise<TestReport> {
    return withHomeFiles(() => testStaged(this.#home, staged, options));
  }

  discard(key: string): Promise<void> {
    return withHomeFiles(() => this.#home.staging.discard(key));
  }

  async install(source: string, options: InstallOptions = {}): Promise<SkillInfo> {
    const installing = options.frozen === true ? installFrozen : installSource;
    return await withHomeFiles(async () =>
      await testInstalled(this.#home, await installing(this.#home, source, options), options)
    );
  }

  async lock(): Promise<SkillsLock> {
    return await withHomeFiles(() => writeLock(this.#home));
  }

  async installLocked(options?: InstallOptions): Promise<InstalledLock> {
    return await withHomeFiles(() => installLocked(this.#home, options));
  }

  installStaged(
    key: string,
    options: InstallOptions & { readonly tests?: TestReport } = {},
  ): Promise<SkillInfo> {
    return withHomeFiles(async () =>
      await testInstalled(this.#home, await installStaged(this.#home, key, options), options)
    );
  }

  test(id: string, options?: OperationOptions): Promise<TestReport> {
    return withHomeFiles(() => testSkill(this.#home, id, options));
  }

  activate(id: string, options?: OperationOptions): Promise<SkillInfo> {
    return this.#changing(() => activateSkill(this.#home, id, options));
  }

  update(id: string, options: UpdateOptions): Promise<Updated> {
    return this.#changing(() => updateSkill(this.#home, id, options));
  }

  advance(id: string, status: SkillStatus, actor?: Actor): Promise<SkillInfo> {
    return this.#changing(() => advanceSkill(this.#home, id, status, actor));
  }

  disable(id: string, actor?: Actor): Promise<SkillInfo> {
    return this.#changing(() => disableSkill(this.#home, id, actor));
  }

  async quarantine(id: string, reason: string, actor?: Actor): Promise<SkillInfo> {
    const info = await quarantineSkill(this.#home, id, reason, actor);
    await this.#serving.stopSkill(id);
    return info;
  }

  rollback(id: string, actor?: Actor): Promise<SkillInfo> {
    return this.#changing(() => rollbackSkill(this.#home, id, actor === undefined ? {} : { actor }));
  }

  async uninstall(
    id: string,
    options?: { readonly keepData?: boolean; readonly actor?: Actor },
  ): Promise<Uninstalled> {
    const gone = await uninstallSkill(this.#home, id, options);
    await this.#serving.stopSkill(id);
    return gone;
  }

  async neededBy(id: string): Promise<readonly SkillNeed[]> {
    const { view, db } = this.#home;
    return await Promise.resolve(needsFulfilledBy(db.sql, view.get(id), (other) => view.find(other)));
  }

  sourceFiles(id: string): Promise<PackageFiles | undefined> {
    return sourceFiles(this.#home, id);
  }

  remoteSource(
    id: string,
    space: SourceSpace,
    { signal }: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<RemoteSource> {
    return readRemoteSource(this.#home, id, space, signal);
  }

  log(id: string, log: SlotLog, lines = 200): Promise<readonly string[]> {
    return readSkillLog(this.#home, id, log, lines);
  }

  async runs(id: string, limit = 50): Promise<readonly RunEntry[]> {
    return await this.#home.history.recent(this.#home.view.get(id).id, limit);
  }

  async stats(
    options: { readonly skill?: string; readonly since?: number } = {},
  ): Promise<readonly RunStats[]> {
    return await this.#home.history.stats(options.skill, options.since);
  }

  async makings(filter?: MakingsFilter): Promise<readonly MakingEntry[]> {
    const noted = await this.#home.history.makings(filter);
    return noted.map((entry) => withDecision(this.#home, entry));
  }

  noteMaking(entry: MakingEntry): void {
    if (this.#home.trusted) this.#home.history.addMaking(entry);
  }

  async audit(
    { skill, limit = 50 }: { readonly skill?: string; readonly limit?: number } = {},
  ): Promise<readonly AuditRecord[]> {
    return await Promise.resolve(readAudit(this.#home.db.sql, { skill, limit }));
  }

  addTrigger(id: string, sentence: string): Promise<void> {
    return addTrigger(this.#home, id, sentence);
  }

  noteReuse(id: string, found: ReuseNote): Promise<void> {
    return noteReuse(this.#home, id, found);
  }

  startProcess(id: string): Promise<SkillProcessInfo> {
    return startProcess(this.#home, this.#serving, id);
  }

  stopProcesses(id: string): Promise<readonly SkillProcessInfo[]> {
    return stopProcesses(this.#home, this.#serving, id);
  }

  processes(): readonly SkillProcessInfo[] {
    return listProcesses(this.#home);
  }

  setup(id: string, options?: OperationOptions): Promise<SetupResult> {
    return withHomeFiles(() => setupSkill(this.#home, this.#serving, id, options));
  }

  run(id: string, input: Json, options?: RunOptions): Promise<RunResult> {
    return withHomeFiles(() => runSkill(this.#home, this.#serving, id, input, options));
  }

  explain(id: string, tool?: string): Promise<RunPlan> {
    return explainSkill(this.#home, id, tool);
  }

  propose(proposal: Omit<SkillProposal, "id" | "status" | "created_at">): Promise<SkillProposal> {
    return propose(this.#home, proposal);
  }

  async proposal(id: string): Promise<SkillProposal> {
    return await Promise.resolve(findProposal(this.#home, id));
  }

  async proposals(filter: { readonly status?: ProposalStatus } = {}): Promise<readonly SkillProposal[]> {
    return await Promise.resolve(listProposals(this.#home, filter.status));
  }

  decide(id: string, decision: Decision): Promise<SkillProposal> {
    return decide(this.#home, id, decision);
  }

  check(): Promise<readonly Finding[]> {
    return withHomeFiles(() => checkHome(this.#home));
  }

  verify(id: string): Promise<readonly Finding[]> {
    return withHomeFiles(() => checkSkill(this.#home, this.#home.view.get(id)));
  }

  on<Name extends keyof LibraryEvents>(
    name: Name,
    listener: (event: LibraryEvents[Name]) => void,
  ): () => void {
    return this.#home.events.on(name, listener);
  }

  async close(): Promise<void> {
    await this.#serving.close();
    await this.#home.runLog.flush();
    await this.#home.history.close();
    await this.#home.db.close();
  }

  /** The same document for the same record, so that who compares sees at once what did not change. */
  #document(record: SkillRecord): SearchDocument {
    const known = this.#documents.get(record) ?? skillDocument(record);
    this.#documents.set(record, known);
    return known;
  }

  /** Processes of what no longer serves end after the change. */
  async #changing<T>(change: () => Promise<T>): Promise<T> {
    const done = await withHomeFiles(change);
    await this.#serving.retire();
    return done;
  }
}
