import { opendir, realpath } from "node:fs/promises";
import { resolve } from "node:path";
import process from "node:process";
import { makeFolder, syncFolder } from "../../base/atomic-file.ts";
import { Emitter } from "../../base/emitter.ts";
import { SkillError } from "../../base/errors.ts";
import { KeyedLine } from "../../base/keyed-line.ts";
import { SharedGate } from "../../base/shared-gate.ts";
import type { Environments } from "../../environment/types.ts";
import type { Finding } from "../../manifest/types.ts";
import { RunHistory } from "../../observe/history.ts";
import type { Runner } from "../../runner/types.ts";
import type { BuildContext } from "../packages/build.ts";
import { Placement } from "../packages/placement.ts";
import { Staging } from "../packages/staging.ts";
import { Integrity } from "../programs/integrity.ts";
import { hostPolicy, ProgramMaker, type SecretSource } from "../programs/program.ts";
import { RunLog } from "../programs/run-log.ts";
import { Projector } from "../projections/projector.ts";
import { HomeView } from "../records/home-view.ts";
import { readSkillEnv } from "../records/skill-env.ts";
import { servingOf } from "../records/skill-record.ts";
import { sealKeyOfUser } from "../secrets/seal-key.ts";
import { secretSource } from "../secrets/secret-source.ts";
import { SecretStore } from "../secrets/secret-store.ts";
import { StateFolders } from "../state/state-folders.ts";
import { stateFolder } from "../state/state-rows.ts";
import { type AuditEntry, HomeDb, type HomeTransaction } from "../storage/home-db.ts";
import { withHomeFiles } from "../storage/home-failure.ts";
import { type HomeLayout, homeLayout } from "../storage/home-layout.ts";
import type { HomeSettings } from "../storage/home-settings.ts";
import { DEFAULT_SETTINGS, loadSettings, type SettingsInput } from "../storage/settings.ts";
import { hasSoundDatabase, isHalfMade } from "../storage/sound-state.ts";
import { isTrusted, noteTrust, untrustedHome } from "../storage/trust.ts";
import { standardLibrary } from "../validation/standard-library.ts";
import type { TriggerTrial } from "../validation/trigger-tests.ts";
import { collectLeftovers } from "./leftovers.ts";
import { asUntrusted } from "./untrusted.ts";

/** What a library tells its listeners. */
export type LibraryEvents = {
  /** Something that search documents or tool lists depend on was committed. */
  readonly changed: { readonly skill_id: string };
};

/** What a home is opened with. */
export interface OpenHomeOptions {
  /** The home's folder. Made when it does not exist. */
  readonly dir: string;
  /** The host's own code chose the folder: it needs no trust of the user's. Default false. */
  readonly trusted?: boolean;
  readonly environments: Environments;
  /** A runner, or what makes one for the home's settings. It stays the caller's to close. */
  readonly runner: Runner | ((settings: HomeSettings) => Runner);
  /** What the host says over the home's `config.toml`; permissions and limits bound it. */
  readonly settings?: SettingsInput;
  /** Secrets that the host has; they go before those of the home. */
  readonly secrets?: SecretSource;
  /** Tries whether sentences find a skill. Without it `tests/triggers.jsonl` is not run. */
  readonly trial?: TriggerTrial;
  /** Gets what a person running the host should know. */
  readonly log?: (level: "info" | "warning" | "error", message: string) => void;
}

/** An opened home with all that the operations on it need. */
export interface Home {
  readonly layout: HomeLayout;
  readonly trusted: boolean;
  readonly settings: HomeSettings;
  readonly db: HomeDb;
  readonly view: HomeView;
  readonly projector: Projector;
  readonly staging: Staging;
  readonly placement: Placement;
  readonly stateFolders: StateFolders;
  /** Calls of skills that keep state run side by side; a migration runs alone. */
  readonly stateGate: SharedGate;
  /** Installs of the same staged build, one after the other. */
  readonly installs: KeyedLine;
  readonly integrity: Integrity;
  readonly programs: ProgramMaker;
  /** What is stored in the home. */
  readonly secrets: SecretStore;
  /** Where the values of credentials come from, stored ones among them. */
  readonly secretSource: SecretSource;
  readonly runner: Runner;
  readonly environments: Environments;
  readonly building: BuildContext;
  readonly history: RunHistory;
  readonly runLog: RunLog;
  readonly events: Emitter<LibraryEvents>;
  readonly trial: TriggerTrial | undefined;
  readonly log: (level: "info" | "warning" | "error", message: string) => void;
}

/**
 * Opens a home: makes it if need be, decides about trust, brings files up to what was last committed and removes what
 * dead processes left. In a home that is not trusted nothing is written and its settings do not count.
 *
 * @throws {SkillError} `home_unusable`, `home_busy`, `invalid_input`
 */
export async function openHome(options: OpenHomeOptions): Promise<Home> {
  const log = options.log ?? (() => {});
  const opening = (): Promise<OpenedDb> => openDb(resolve(options.dir), options.trusted ?? false);
  const { dir, db, trusted, made } = await withHomeFiles(opening);
  try {
    const layout = homeLayout(dir);
    const settings = trusted ? await loadSettings(layout.config, options.settings) : DEFAULT_SETTINGS;
    const view = new HomeView(db, trusted ? undefined : asUntrusted);
    const staging = new Staging(layout);
    const { environments } = options;
    const runner = typeof options.runner === "function" ? options.runner(settings) : options.runner;
    const secrets = new SecretStore(db, sealKeyOfUser(process.env));
    const source = secretSource(
      options.secrets,
      (skill, name) => (trusted ? secrets.valueFor(skill, name) : undefined),
      process.env,
    );
    const home: Home = {
      layout,
      trusted,
      settings,
      db,
      view,
      projector: new Projector(layout, db, view),
      staging,
      placement: new Placement(layout, staging, view),
      stateFolders: new StateFolders(layout, staging, db),
      stateGate: new SharedGate(),
      installs: new KeyedLine(),
      integrity: new Integrity(),
      programs: new ProgramMaker({
        home: dir,
        settings,
        secrets: source,
        writtenByOthers: (id) => writtenByOthers(view, id),
        env: (id) => (trusted ? readSkillEnv(db.sql, id) : {}),
        state: (id, schemaVersion) => {
          const folder = trusted ? stateFolder(db.sql, id, schemaVersion) : undefined;
          return folder === undefined ? undefined : layout.data(id, folder);
        },
      }),
      secrets,
      secretSource: source,
      runner,
      environments,
      building: buildContext(dir, settings, environments, runner),
      history: new RunHistory(trusted ? layout.history : ":memory:"),
      runLog: new RunLog(layout),
      events: new Emitter((error) => log("error", `a listener failed: ${String(error)}`)),
      trial: options.trial,
      log,
    };
    if (made) await withHomeFiles(() => home.projector.repair());
    if (trusted) await recover(home);
    return home;
  } catch (error) {
    await db.close();
    throw error;
  }
}

/**
 * Commits one change: one transaction with its audit row, then the files that show it. When the files can't be brought
 * up the change stands all the same; they are repaired at the next chance.
 *
 * @throws {SkillError} `untrusted_home`, and what `change` throws: then nothing happened
 */
export async function commit<T>(
  home: Home,
  audit: AuditEntry,
  change: (tx: HomeTransaction) => T,
): Promise<T> {
  requireTrusted(home);
  const result = await home.db.write(audit, change);
  await bringUp(home);
  if (audit.skill_id !== undefined) home.events.emit("changed", { skill_id: audit.skill_id });
  return result;
}

/** @throws {SkillError} `untrusted_home` */
export function requireTrusted(home: Home): void {
  if (!home.trusted) throw untrustedHome(home.layout.dir);
}

/** What they plant there must not steer a grant. */
function writtenByOthers(view: HomeView, id: string): readonly string[] {
  const others = view.all().filter((record) => record.id !== id).map(servingOf);
  return others.flatMap((one) => one?.resolved.manifest.security.permissions.file_write ?? []);
}

async function bringUp(home: Home): Promise<void> {
  try {
    report(home, await home.projector.bringUp());
  } catch (error) {
    home.log("warning", `files of the home could not be brought up to date: ${(error as Error).message}`);
  }
}

async function recover(home: Home): Promise<void> {
  await bringUp(home);
  try {
    await makeFolder(home.layout.staging, { mode: 0o700 });
    await collectLeftovers(home);
  } catch (error) {
    home.log("warning", `leftovers could not be removed: ${(error as Error).message}`);
  }
}

function report({ log }: Home, findings: readonly Finding[]): void {
  for (const { severity, message } of findings) log(severity === "error" ? "error" : "warning", message);
}

function buildContext(
  home: string,
  settings: HomeSettings,
  environments: Environments,
  runner: Runner,
): BuildContext {
  const libraries = new Map<string, Promise<ReadonlySet<string>>>();
  const stdlib = (interpreter: string): Promise<ReadonlySet<string>> => {
    const known = libraries.get(interpreter) ?? standardLibrary(interpreter);
    libraries.set(interpreter, known);
    known.catch(() => libraries.delete(interpreter));
    return known;
  };
  return {
    settings,
    environments,
    runner,
    stdlib,
    host: hostPolicy(settings.security.max_permissions),
    forbidden: [home],
  };
}

interface OpenedDb {
  /** The home's real path. */
  readonly dir: string;
  readonly db: HomeDb;
  readonly trusted: boolean;
  /** There was no home here before. */
  readonly made: boolean;
}

/** Opens what is there as far as it is trusted. A home that is made here is this user's. */
async function openDb(path: string, given: boolean): Promise<OpenedDb> {
  const found = await holdsAnything(path);
  const dir = found === undefined ? await make(path) : await realpath(path);
  const layout = homeLayout(dir), { db: file } = layout;
  const isSound = await hasSoundDatabase(layout);
  if (!isSound || (!given && await isHalfMade(layout))) {
    if (!given && found === true && !await isHalfMade(layout)) {
      return { dir, db: await HomeDb.open(":memory:"), trusted: false, made: false };
    }
    return { dir, db: await makeDb(layout), trusted: true, made: true };
  }
  if (given) return { dir, db: await HomeDb.open(file), trusted: true, made: false };
  const reader = await HomeDb.open(file, { readOnly: true });
  if (!await isTrusted(dir, reader.homeId)) return { dir, db: reader, trusted: false, made: false };
  await reader.close();
  return { dir, db: await HomeDb.open(file), trusted: true, made: false };
}

/** Who dies on the way has noted trust in nothing, or made a home that is trusted. */
async function makeDb({ dir, db: file, state }: HomeLayout): Promise<HomeDb> {
  await makeFolder(state, { mode: 0o700 });
  const homeId = crypto.randomUUID();
  await noteTrust(dir, homeId);
  const db = await HomeDb.open(file, { homeId });
  await syncFolder(state);
  // Another process made it at the same time.
  if (db.homeId !== homeId) await noteTrust(dir, db.homeId);
  return db;
}

/** Whether there is anything in the folder, which may hold ten thousand skills; undefined when it does not exist. */
async function holdsAnything(path: string): Promise<boolean | undefined> {
  try {
    const folder = await opendir(path);
    const first = await folder.read();
    await folder.close();
    return first !== null;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw SkillError.from(error, "home_unusable", `the home "${path}" cannot be opened`);
  }
}

async function make(path: string): Promise<string> {
  try {
    await makeFolder(path, { mode: 0o700 });
    return await realpath(path);
  } catch (error) {
    throw SkillError.from(error, "home_unusable", `the home "${path}" cannot be made`);
  }
}
