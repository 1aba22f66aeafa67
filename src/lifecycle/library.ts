import { join } from "node:path";
import type { SearchDocument } from "../discovery/types.ts";
import type { Json } from "../base/json.ts";
import type { Finding } from "../manifest/types.ts";
import { readPackageFiles } from "../manifest/package-files.ts";
import type { MakingEntry, RunEntry, RunStats } from "../observe/history.ts";
import type { ProcessInfo, Runner } from "../runner/types.ts";
import { type AuditRecord, readAudit } from "./audit.ts";
import { checkHome, checkSkill } from "./check.ts";
import { needsFulfilledBy } from "./dependencies/installed.ts";
import { installFrozen, installLocked } from "./dependencies/install-locked.ts";
import { writeLock } from "./dependencies/lock.ts";
import { explainSkill } from "./explain.ts";
import { skillDocument } from "./documents.ts";
import { commit, type Home, openHome, type OpenHomeOptions, requireTrusted } from "./home.ts";
import { withHomeFiles } from "./home-failure.ts";
import { buildStaged, installSource, installStaged, stageFiles } from "./install.ts";
import { textOf } from "./package-text.ts";
import { decide, type Decision, findProposal, listProposals, propose, withDecision } from "./proposals.ts";
import type { SkillRecord } from "./records.ts";
import { runSkill, withServing } from "./run.ts";
import { secretsOf, type SkillSecrets } from "./secrets/skill-secrets.ts";
import { Serving } from "./serving.ts";
import { setupSkill } from "./setup.ts";
import { candidateOf, servingOf, shownGeneration, skillInfo } from "./skill-record.ts";
import { readSlotLog, type SlotLog } from "./slot-log.ts";
import { readRemoteSource } from "./sources/remote-source.ts";
import {
  activateSkill,
  advanceSkill,
  disableSkill,
  quarantineSkill,
  rollbackSkill,
} from "./status-changes.ts";
import { type OperationOptions, testSkill, testStaged } from "./testing.ts";
import { addTrigger } from "./triggers.ts";
import type { MakingsFilter, ReuseNote, SkillLibrary } from "./skill-library.ts";
import type {
  Actor,
  Generation,
  HomeSettings,
  InstalledLock,
  InstallOptions,
  LibraryEvents,
  PackageFiles,
  ProposalStatus,
  RemoteSource,
  RunOptions,
  RunPlan,
  RunResult,
  SetupResult,
  SkillInfo,
  SkillNeed,
  SkillProcessInfo,
  SkillProposal,
  SkillsLock,
  SkillStatus,
  SourceSpace,
  StagedBuild,
  TestBuildOptions,
  TestReport,
  Uninstalled,
  Updated,
  UpdateOptions,
  ValidationReport,
} from "./types.ts";
import { uninstallSkill } from "./uninstall.ts";
import { updateSkill } from "./update.ts";
import { validateSource } from "./validate-source.ts";

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
    return await Promise.resolve(
      Number(
        this.#home.db.sql.get(
          "select max(revision) as n from (select revision from skills union all select revision from removed)",
        )?.["n"] ?? 0,
      ),
    );
  }

  async documents(): Promise<readonly SearchDocument[]> {
    return await Promise.resolve(this.#home.view.all().map((record) => this.#document(record)));
  }

  async list(): Promise<readonly SkillInfo[]> {
    return await Promise.resolve(this.#home.view.all().map((record) => skillInfo(record)));
  }

  async info(id: string): Promise<SkillInfo> {
    return await Promise.resolve(skillInfo(this.#home.view.get(id)));
  }

  async generations(id: string): Promise<readonly Generation[]> {
    const { generations } = await Promise.resolve(this.#home.view.get(id));
    return generations.map((
      { name: _name, script: _script, resolved: _resolved, activated: _activated, ...shown },
    ) => shown);
  }

  async files(id: string): Promise<PackageFiles> {
    requireTrusted(this.#home);
    const shown = shownGeneration(this.#home.view.get(id));
    const source = join(this.#home.layout.build(id, shown.build), "src");
    return textOf(await withHomeFiles(() => readPackageFiles(source)));
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
    const info = await withHomeFiles(() => installing(this.#home, source, options));
    return await this.#installed(info, options);
  }

  async lock(): Promise<SkillsLock> {
    return await withHomeFiles(() => writeLock(this.#home));
  }

  async installLocked(options?: InstallOptions): Promise<InstalledLock> {
    return await withHomeFiles(() => installLocked(this.#home, options));
  }

  async installStaged(
    key: string,
    options: InstallOptions & { readonly tests?: TestReport } = {},
  ): Promise<SkillInfo> {
    const info = await withHomeFiles(() => installStaged(this.#home, key, options));
    return await this.#installed(info, options);
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

  async sourceFiles(id: string): Promise<PackageFiles | undefined> {
    requireTrusted(this.#home);
    this.#home.view.get(id);
    return await readPackageFiles(this.#home.layout.package(id)).then(textOf, () => undefined);
  }

  remoteSource(
    id: string,
    space: SourceSpace,
    { signal }: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<RemoteSource> {
    return readRemoteSource(this.#home, id, space, signal);
  }

  async log(id: string, log: SlotLog, lines = 200): Promise<readonly string[]> {
    requireTrusted(this.#home);
    const record = this.#home.view.get(id);
    // A candidate is neither run nor set up.
    const served = log === "run" || log === "setup" ? servingOf(record) : undefined;
    if (log === "run") await this.#home.runLog.flush();
    const place = served ?? candidateOf(record) ?? shownGeneration(record);
    return await readSlotLog(this.#home.layout, place, log, lines);
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

  async noteReuse(id: string, { intent, how, actor }: ReuseNote): Promise<void> {
    this.#home.view.get(id);
    const details = { intent: intent.slice(0, 2000), how: how.slice(0, 2000) };
    await commit(this.#home, { action: "reuse", actor, skill_id: id, details }, () => {});
  }

  async startProcess(id: string): Promise<SkillProcessInfo> {
    return await withServing(
      this.#home,
      this.#serving,
      id,
      async ({ program }) => shown(await this.#home.runner.start(program)),
    );
  }

  async stopProcesses(id: string): Promise<readonly SkillProcessInfo[]> {
    requireTrusted(this.#home);
    this.#home.view.get(id);
    const running = this.processes().filter((one) => one.id === id);
    await this.#serving.stopSkill(id);
    return running;
  }

  processes(): readonly SkillProcessInfo[] {
    return this.#home.runner.list().map(shown);
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

  async #installed(
    info: SkillInfo,
    { test = false, actor, signal, onStage }: InstallOptions,
  ): Promise<SkillInfo> {
    if (!test) return info;
    onStage?.("test");
    const common = {
      ...(actor === undefined ? {} : { actor }),
      ...(signal === undefined ? {} : { signal }),
    };
    await withHomeFiles(() => testSkill(this.#home, info.id, common));
    const record = this.#home.view.get(info.id);
    return skillInfo(
      record,
      record.generations.find(({ digest, slot }) =>
        digest === info.candidate?.digest && slot === info.candidate.slot
      ),
    );
  }

  /** Processes of what no longer serves end after the change. */
  async #changing<T>(change: () => Promise<T>): Promise<T> {
    const done = await withHomeFiles(change);
    await this.#serving.retire();
    return done;
  }
}

/** The key is the runner's own. */
function shown({ key: _key, ...info }: ProcessInfo): SkillProcessInfo {
  return info;
}
