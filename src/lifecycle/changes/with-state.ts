import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { SkillError } from "../../base/errors.ts";
import type { Home } from "../home/home.ts";
import { toolTimeout } from "../programs/program.ts";
import type { StoredGeneration } from "../records/records.ts";
import { copyState, stateLooks, syncState } from "../state/state-folders.ts";
import { readState, type StateRow, storeState } from "../state/state-rows.ts";
import type { HomeTransaction } from "../storage/home-db.ts";

const MOST_TRIES = 3;

/** Part of the transaction that lets a generation serve: what it keeps is its own from then on. */
type StateChange = (tx: HomeTransaction) => void;

/**
 * Runs `serve` when the state that a generation needs is there: what serves now has, if it has the same schema; else a
 * copy of it, brought to the new schema by the generation's own tool, in the sandbox. What it was copied from stays as
 * it is, and a rollback brings it back.
 *
 * @throws {SkillError} `invalid_transition` when an activation would go down in schema, or has no tool to go up;
 * `conflict` when it keeps being written; what the tool says. What served before serves on, with what it kept
 */
export async function withState<T>(
  home: Home,
  target: StoredGeneration,
  { action, signal }: { readonly action: "activate" | "rollback"; readonly signal: AbortSignal | undefined },
  serve: (change: StateChange) => Promise<T>,
): Promise<T> {
  const { skill_id: id, resolved: { manifest: { state } } } = target;
  if (state === undefined) return await serve(() => {});
  const rows = readState(home.db.sql, id);
  const [current] = rows, own = rows.find((row) => row.schema_version === state.schema_version);
  if (own !== undefined && (action === "rollback" || own === current)) {
    return await serve((tx) => {
      requireUnchanged(tx, id, rows);
      storeState(tx, id, own);
    });
  }
  if (current !== undefined && current.schema_version > state.schema_version) {
    throw tooOld(target, state.schema_version, current);
  }
  return await home.stateFolders.change(id, async (room) => {
    const change: StateChange = (tx) => {
      requireUnchanged(tx, id, rows);
      const { schema_version } = state;
      storeState(tx, id, { schema_version, folder: home.stateFolders.place(tx, id, schema_version, room) });
    };
    if (current !== undefined) {
      const migration = { current, room, change, signal };
      return await home.stateGate.alone(id, () => migrated(home, target, migration, serve));
    }
    await mkdir(room, { mode: 0o700 });
    return await serve(change);
  });
}

function requireUnchanged(tx: HomeTransaction, id: string, rows: readonly StateRow[]): void {
  if (JSON.stringify(readState(tx.sql, id)) === JSON.stringify(rows)) return;
  throw new SkillError("conflict", `the state of "${id}" was changed by somebody else at the same time`, {
    fix: "look at its status and try again",
    details: { id },
  });
}

interface Migration {
  readonly current: StateRow;
  /** Where the copy is made. */
  readonly room: string;
  readonly change: StateChange;
  readonly signal: AbortSignal | undefined;
}

/**
 * No call of this process runs meanwhile. What another one writes while it is copied or brought up would be lost: then it
 * is done again.
 */
async function migrated<T>(
  home: Home,
  target: StoredGeneration,
  { current, room, change, signal }: Migration,
  serve: (change: StateChange) => Promise<T>,
): Promise<T> {
  const { skill_id: id } = target;
  const from = home.layout.data(id, current.folder);
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const looks = stateLooks(from);
    if (!await copyState(from, room, looks)) continue;
    await runMigration(home, target, current.schema_version, room, signal);
    await syncState(room);
    try {
      return await serve((tx) => {
        if (stateLooks(from) !== looks) throw new Changed();
        change(tx);
      });
    } catch (error) {
      if (!(error instanceof Changed)) throw error;
    }
  }
  throw new SkillError("conflict", `the state of "${id}" kept being written while it was migrated`, {
    fix: `take it out of service first: skillwright disable ${id}`,
    details: { id },
  });
}

async function runMigration(
  home: Home,
  { skill_id: id, number, version, build, resolved }: StoredGeneration,
  from_version: number,
  state: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { migrate: tool, schema_version: to_version } = resolved.manifest.state ?? {};
  const what = `"${id}" ${version} was not activated: its state`;
  const details = { id, from_version, to_version };
  if (tool === undefined || to_version === undefined) {
    throw new SkillError(
      "invalid_transition",
      `${what} is of schema ${from_version}, and the manifest names no tool that brings it to ${to_version}`,
      { fix: 'write migrate = "name" below [state], and the function', details },
    );
  }
  const dir = home.layout.build(id, build);
  const name = `migrate:${id}@${number}:${crypto.randomUUID()}`;
  const digests = await home.integrity.requireSource(id, join(dir, "src"), resolved.digest);
  const program = {
    ...await home.programs.make({ name, dir, resolved, needSecrets: false, state }),
    digests,
  };
  try {
    await home.runner.call(program, {
      tool,
      input: { from_version, to_version },
      timeout_ms: toolTimeout(resolved, tool, home.settings) * 1000,
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    const { code, message } = SkillError.from(error, "tool_failed", "it failed");
    const fix = "what served before still serves, with its own state; correct the tool and install it again";
    throw new SkillError(code, `${what} could not be migrated from schema ${from_version}: ${message}`, {
      cause: error,
      fix,
      details,
    });
  } finally {
    await home.runner.stop(program.key);
  }
}

function tooOld({ skill_id: id, version }: StoredGeneration, own: number, current: StateRow): SkillError {
  const { schema_version } = current;
  return new SkillError(
    "invalid_transition",
    `"${id}" ${version} keeps state of schema ${own}, and what is kept is of schema ${schema_version}`,
    {
      fix:
        "a rollback goes back to an older version with its own state; to begin anew, uninstall it with its data",
      details: { id, schema_version: own, kept: schema_version },
    },
  );
}

/** What was copied changed before the commit. */
class Changed extends Error {}
