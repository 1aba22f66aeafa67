import { join } from "node:path";
import { SkillError } from "../../base/errors.ts";
import { commit, type Home, requireTrusted } from "../home/home.ts";
import { readSnapshot } from "../packages/snapshots.ts";
import {
  moveGeneration,
  readInstalled,
  type SkillRecord,
  type StoredGeneration,
  storeTests,
  touchSkill,
} from "../records/records.ts";
import { candidateOf, previousOf, servingOf, shownGeneration, skillInfo } from "../records/skill-record.ts";
import { appendSlotLog } from "../records/slot-log.ts";
import { requireTransition } from "../records/status.ts";
import type { HomeTransaction } from "../storage/home-db.ts";
import type { TestReport } from "../test-report.ts";
import { compactReport } from "../testing/test-build.ts";
import {
  beginTesting,
  fresh,
  keepReport,
  type OperationOptions,
  testGeneration,
  unlessChanged,
} from "../testing/testing.ts";
import type { Actor, SkillInfo, SkillStatus } from "../types.ts";
import { installFiles } from "./install.ts";
import { withState } from "./with-state.ts";

/** What a generation passes in the commit that activates it. */
const STEPS_TO_ACTIVE: Readonly<Record<SkillStatus, readonly SkillStatus[]>> = {
  pending: ["testing", "active"],
  testing: ["active"],
  disabled: ["active"],
  quarantined: ["disabled", "active"],
  active: [],
};

/**
 * Makes the candidate the one that serves; without a candidate, the one that served last. What was never tested passes
 * handshake and health first.
 *
 * @throws {SkillError} `tests_failed`, `handshake_failed`, `tampered`, `conflict`
 */
export async function activateSkill(
  home: Home,
  id: string,
  options: OperationOptions = {},
): Promise<SkillInfo> {
  requireTrusted(home);
  const record = home.view.get(id);
  const serving = servingOf(record);
  const target = candidateOf(record) ?? serving ?? shownGeneration(record);
  if (target === serving) return skillInfo(record);
  return await activateGeneration(home, target, { ...options, action: "activate" });
}

/** Goes back to the generation that served before, else to the snapshot. @throws {SkillError} `nothing_to_roll_back`, `tampered` */
export async function rollbackSkill(
  home: Home,
  id: string,
  options: OperationOptions = {},
): Promise<SkillInfo> {
  requireTrusted(home);
  const record = home.view.get(id);
  const target = previousOf(record);
  const back = { ...options, action: "rollback" } as const;
  if (target !== undefined) return await makeServing(home, target, back);
  const snapshot = await readSnapshot(home.layout, record);
  // What is quarantined stays so, and what serves or was just put aside is nothing to go back to.
  const known = record.generations.find(({ digest }) => digest === snapshot?.digest);
  if (snapshot === undefined || known?.status === "quarantined" || known === shownGeneration(record)) {
    throw new SkillError("nothing_to_roll_back", `"${id}" has no earlier version to go back to`, {
      fix: "install another version",
      details: { id },
    });
  }
  if (known?.status === "disabled") return await makeServing(home, known, back);
  await installFiles(home, snapshot.files, id, options);
  const installed = home.view.get(id);
  return await activateGeneration(home, candidateOf(installed) ?? shownGeneration(installed), back);
}

/** Stops the serving generation, else the candidate. */
export async function disableSkill(home: Home, id: string, actor?: Actor): Promise<SkillInfo> {
  const target = stoppable(home, id);
  return await setStatus(home, target, ["disabled"], "disable", actor);
}

/** Stops the serving generation, else the candidate, until a person looks at it. */
export async function quarantineSkill(
  home: Home,
  id: string,
  reason: string,
  actor?: Actor,
): Promise<SkillInfo> {
  const target = stoppable(home, id);
  return await setStatus(home, target, ["quarantined"], "quarantine", actor, reason.slice(0, 4000));
}

/** One exact step of the candidate, else of the generation whose status is the skill's. @throws {SkillError} `invalid_transition` */
export async function advanceSkill(
  home: Home,
  id: string,
  status: SkillStatus,
  actor?: Actor,
): Promise<SkillInfo> {
  requireTrusted(home);
  const record = home.view.get(id);
  const target = candidateOf(record) ?? servingOf(record) ?? shownGeneration(record);
  requireTransition(id, target.status, status);
  if (status === "active") {
    return await activateGeneration(home, target, {
      action: "activate",
      ...(actor === undefined ? {} : { actor }),
    });
  }
  const error = status === "quarantined" ? "quarantined without a reason given" : null;
  return await setStatus(home, target, [status], "advance", actor, error);
}

async function activateGeneration(
  home: Home,
  target: StoredGeneration,
  options: Serve,
): Promise<SkillInfo> {
  const { actor, signal } = options;
  const { skill_id: id, tests } = target;
  if (tests?.passed === false) throw testsFailed(id, target);
  if (target.status !== "pending" && tests !== null) {
    return await makeServing(home, target, options);
  }
  const report = await unlessChanged(
    home,
    target,
    () => testGeneration(home, target, { brief: true }, signal),
  );
  if (!report.passed) {
    await keepReport(home, await beginTesting(home, target, actor), report, actor);
    throw notReady(id, report);
  }
  return await makeServing(home, target, options, tests ?? report);
}

/** Who lets a generation serve, and how. */
interface Serve extends OperationOptions {
  readonly action: "activate" | "rollback";
}

/** The one commit: the generation serves, the one that did is disabled. */
async function makeServing(
  home: Home,
  target: StoredGeneration,
  { action, actor, signal }: Serve,
  tests: TestReport | null = null,
): Promise<SkillInfo> {
  const { skill_id: id, digest, version, number } = target;
  await unlessChanged(home, target, () => requireBuild(home, target));
  const audit = { actor, action, skill_id: id, digest, details: { version, generation: number } };
  const done = await withState(home, target, { action, signal }, (change) =>
    commit(home, audit, (tx) => {
      const now = readInstalled(tx, fresh(tx, target).skill_id);
      change(tx);
      touchSkill(tx, id, "state");
      const old = servingOf(now);
      if (old !== undefined) moveGeneration(tx, old, ["disabled"]);
      if (tests !== null) storeTests(tx, target, compactReport(tests));
      moveGeneration(tx, target, STEPS_TO_ACTIVE[target.status]);
      makeRoom(tx, now, target);
      return readInstalled(tx, id);
    }));
  await appendSlotLog(
    home.layout,
    target,
    "activate",
    `${action}: ${id} ${version} serves from slot ${target.slot}`,
  );
  return skillInfo(done);
}

/** What would serve must be there, as it was installed. @throws {SkillError} `tampered` */
async function requireBuild(home: Home, target: StoredGeneration): Promise<void> {
  const { skill_id: id, digest, resolved } = target;
  const build = home.layout.build(id, target.build);
  await home.integrity.requireSource(id, join(build, "src"), digest);
  await home.integrity.requireEnvironment(id, build, resolved.environment);
}

/** A candidate that was to come into the slot which now serves moves to the other one. */
function makeRoom(tx: HomeTransaction, record: SkillRecord, serving: StoredGeneration): void {
  const candidate = candidateOf(record);
  if (candidate === undefined || candidate.number === serving.number) return;
  if (candidate.version !== serving.version || candidate.slot !== serving.slot) return;
  tx.sql.run(
    "update generations set slot = ? where skill_id = ? and number = ?",
    serving.slot === "A" ? "B" : "A",
    record.id,
    candidate.number,
  );
}

async function setStatus(
  home: Home,
  target: StoredGeneration,
  steps: readonly SkillStatus[],
  action: string,
  actor: Actor | undefined,
  error: string | null = null,
): Promise<SkillInfo> {
  const { skill_id: id, number, digest, version } = target;
  const details = { version, to: steps.at(-1), ...(error === null ? {} : { reason: error }) };
  const now = await commit(home, { actor, action, skill_id: id, digest, details }, (tx) => {
    touchSkill(tx, id, "state");
    moveGeneration(tx, fresh(tx, target), steps, error);
    return readInstalled(tx, id);
  });
  return skillInfo(now, servingOf(now) ?? now.generations.find((one) => one.number === number));
}

function stoppable(home: Home, id: string): StoredGeneration {
  requireTrusted(home);
  const record = home.view.get(id);
  return servingOf(record) ?? candidateOf(record) ?? shownGeneration(record);
}

function notReady(id: string, { handshake, health }: TestReport): SkillError {
  const error = handshake.ok ? health?.error : handshake.error;
  const reason = error?.message ?? "it is not ready";
  return new SkillError(error?.code ?? "tests_failed", `"${id}" was not activated: ${reason}`, {
    fix: "look at its tests.log, correct the package and install it again; what served before still serves",
    details: { id, ...(error === undefined ? {} : { error }) },
  });
}

function testsFailed(id: string, { tests, version }: StoredGeneration): SkillError {
  const results = [...tests?.cases ?? [], ...tests?.examples ?? [], ...tests?.given ?? []];
  const failed = results.filter(({ status }) => status === "failed").length;
  return new SkillError(
    "tests_failed",
    `"${id}" ${version} did not pass its tests: ${failed} of ${results.length} failed`,
    {
      fix: "correct the package and install it again, or test it again",
      details: { id, version, failed, of: results.length },
    },
  );
}
