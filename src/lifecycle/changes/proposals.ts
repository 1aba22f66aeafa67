import { randomUUID } from "node:crypto";
import { digestFiles } from "../../base/digest.ts";
import { SkillError } from "../../base/errors.ts";
import type { CredentialSpec, Finding, Permissions } from "../../manifest/types.ts";
import type { MakingEntry } from "../../observe/history.ts";
import type { Row } from "../../observe/sqlite.ts";
import { commit, type Home, requireTrusted } from "../home/home.ts";
import { type PackageFiles, packageFilesOf } from "../packages/package-text.ts";
import { parseStored } from "../storage/stored-json.ts";
import type { TestReport } from "../test-report.ts";
import { compactReport } from "../testing/test-build.ts";
import type { Actor } from "../types.ts";

/** How far a proposal got. */
export type ProposalStatus = "pending" | "approved" | "rejected" | "installed";

/** A package that waits for approval. The paper's fields, and what binds and explains it. */
export interface SkillProposal {
  readonly id: string;
  readonly status: ProposalStatus;
  readonly intent: string;
  readonly skill_id: string;
  readonly name: string;
  readonly description: string;
  readonly version: string;
  readonly manifest_toml: string;
  readonly script_source: string;
  readonly credentials: readonly CredentialSpec[];
  readonly dependencies: readonly string[];
  readonly staging_dir: string;
  readonly digest: string;
  readonly files: PackageFiles;
  readonly findings: readonly Finding[];
  readonly tests: TestReport | null;
  readonly permissions: Permissions;
  readonly maker: string;
  readonly rounds: number;
  /** Why it was made although there are other skills. */
  readonly reuse?: string;
  readonly created_at: number;
}

/** A decision about a proposal. */
export interface Decision {
  readonly approved: boolean;
  readonly digest: string;
  readonly reason?: string;
  readonly actor?: Actor;
}

/** Keeps a package that waits for approval. @throws {SkillError} `digest_mismatch` when its files are not those of its digest */
export async function propose(
  home: Home,
  fresh: Omit<SkillProposal, "id" | "status" | "created_at">,
): Promise<SkillProposal> {
  requireTrusted(home);
  if (digestFiles(packageFilesOf(fresh.files)) !== fresh.digest) {
    throw new SkillError(
      "digest_mismatch",
      `the files of the proposal for "${fresh.skill_id}" do not have its digest`,
    );
  }
  const id = randomUUID();
  const tests = fresh.tests === null ? null : compactReport(fresh.tests);
  const { skill_id, digest, reuse } = fresh;
  const details = { proposal: id, skill_id, ...(reuse === undefined ? {} : { reuse: reuse.slice(0, 2000) }) };
  await commit(home, { action: "propose", digest, details }, (tx) => {
    tx.sql.run(
      "insert into proposals (id, status, skill_id, digest, body, created_at) values (?, 'pending', ?, ?, ?, ?)",
      id,
      skill_id,
      digest,
      JSON.stringify({ ...fresh, tests }),
      tx.now,
    );
  });
  return findProposal(home, id);
}

/** @throws {SkillError} `not_found` */
export function findProposal(home: Home, id: string): SkillProposal {
  const row = home.db.sql.get("select * from proposals where id = ?", id);
  if (row !== undefined) return toProposal(row);
  throw new SkillError("not_found", `there is no proposal "${id.slice(0, 80)}"`, {
    fix: "see which there are by proposals",
  });
}

/** Proposals, the newest first. */
export function listProposals(home: Home, status?: ProposalStatus): readonly SkillProposal[] {
  const rows = status === undefined
    ? home.db.sql.all("select * from proposals order by created_at desc, id")
    : home.db.sql.all("select * from proposals where status = ? order by created_at desc, id", status);
  return rows.map(toProposal);
}

/** Records an approval or a rejection, once. @throws {SkillError} `digest_mismatch`, `proposal_decided` */
export async function decide(home: Home, id: string, decision: Decision): Promise<SkillProposal> {
  requireTrusted(home);
  const { approved, digest, reason, actor } = decision;
  const { skill_id } = findProposal(home, id);
  const details = {
    proposal: id,
    ...(reason === undefined ? {} : { reason: reason.slice(0, 4000) }),
  };
  await commit(home, { actor, action: approved ? "approve" : "reject", skill_id, digest, details }, (tx) => {
    const now = tx.sql.get("select status, digest from proposals where id = ?", id);
    if (now?.["digest"] !== digest) {
      throw new SkillError("digest_mismatch", `the decision is about other bytes than proposal "${id}"`, {
        fix: "look at the proposal and decide about the digest that it shows",
        details: { id, expected: now?.["digest"] ?? null, given: digest },
      });
    }
    if (now["status"] !== "pending") {
      const status = String(now["status"]);
      throw new SkillError("proposal_decided", `proposal "${id}" is ${status} already`, {
        details: { id, status },
      });
    }
    tx.sql.run(
      "update proposals set status = ?, reason = ?, decided_at = ? where id = ?",
      approved ? "approved" : "rejected",
      reason ?? null,
      tx.now,
      id,
    );
  });
  return findProposal(home, id);
}

/** The generation as it stands now: what was decided since about its proposal, or the edited one in its place, counts. */
export function withDecision(home: Home, entry: MakingEntry): MakingEntry {
  if (entry.outcome !== "proposed" || entry.proposal_id === null) return entry;
  let id = entry.proposal_id, row = decisionOf(home, id);
  for (let steps = 0; steps < MOST_EDITS; steps++) {
    const { reason } = row ?? {};
    const next = typeof reason === "string" ? REPLACED.exec(reason)?.[1] : undefined;
    if (next === undefined) break;
    [id, row] = [next, decisionOf(home, next)];
  }
  const { status } = row ?? {};
  return status === "installed" || status === "rejected"
    ? { ...entry, outcome: status, proposal_id: id }
    : { ...entry, proposal_id: id };
}

/** The reason with which a proposal gives way to an edited one. */
export function replacedBy(id: string): string {
  return `replaced by proposal ${id}`;
}

const REPLACED = /^replaced by proposal (\S+)$/;
const MOST_EDITS = 100;

function decisionOf(home: Home, id: string): Row | undefined {
  return home.db.sql.get("select status, reason from proposals where id = ?", id);
}

function toProposal(row: Row): SkillProposal {
  const id = String(row["id"]);
  const body = parseStored(row["body"], `proposal "${id}"`) as Omit<
    SkillProposal,
    "id" | "status" | "created_at"
  >;
  return {
    ...body,
    id,
    status: row["status"] as ProposalStatus,
    created_at: Number(row["created_at"]),
  };
}
