import { z } from "zod";
import { SkillError } from "../base/errors.ts";
import { diffFiles } from "../graph/file-diff.ts";
import type { SkillProposal } from "../lifecycle/changes/proposals.ts";
import type { AuditRecord } from "../lifecycle/records/audit.ts";
import { SLOT_LOGS, type SlotLog } from "../lifecycle/records/slot-log.ts";
import type { GenerationInfo, SkillInfo } from "../lifecycle/types.ts";
import type { MakingEntry, RunEntry, RunStats } from "../observe/history.ts";
import type { Operation } from "./types.ts";
import type { RemoteSource } from "../lifecycle/sources/remote-source.ts";

const id = z.string().min(1);
const count = z.int().min(1).max(10_000);

/** How its tests went. */
export interface TestSummary {
  readonly passed: boolean;
  readonly cases: number;
  readonly failed: number;
}

/** Where a skill stands. */
export interface StatusAnswer {
  readonly skill_info: SkillInfo;
  /** Whether it can be run right now. */
  readonly ready: boolean;
  readonly missing_secrets: readonly string[];
  /** All installed states, the oldest first. */
  readonly generations: readonly (GenerationInfo & {
    readonly installed_at: number;
    readonly tests: TestSummary | null;
  })[];
  /** Whether `<home>/<id>` differs from what serves, else from the newest; `absent` when there is no such package. */
  readonly source: "same" | "changed" | "absent";
  /** Unified diff from what is installed to the source, when asked for. */
  readonly diff?: string;
  /** How the source differs from the registry's, when that was fetched. */
  readonly remote?: RemoteStatus;
}

/** How a source differs from the one in a remote. */
export interface RemoteStatus {
  /** Without user and password. */
  readonly url: string;
  readonly branch: string;
  readonly commit: string;
  /** `absent`: the remote has no such skill. */
  readonly source: RemoteSource["source"];
  /** Unified diff from the remote to the source here, of text files, when asked for. */
  readonly diff?: string;
}

/** How a skill of the development space differs from the hub's draft. */
export interface DraftStatus {
  readonly id: string;
  readonly space: "dev";
  readonly folder: string;
  readonly remote: RemoteStatus;
}

/** Operation `draft_status`: the skill need not be installed. */
export const draftStatus: Operation<{ id: string; diff: boolean }, DraftStatus> = {
  name: "draft_status",
  description: "Compare a skill of the development space with the hub's draft",
  mode: "read_only",
  input: z.object({ id, diff: z.boolean().default(false) }),
  async handler({ skills: { library }, signal }, { id: skill, diff }): Promise<DraftStatus> {
    const found = await library.remoteSource(skill, "dev", { signal });
    return { id: skill, space: "dev", folder: found.folder, remote: remoteStatus(found, diff) };
  },
};

/** Operation `status`. `fetch` compares the source with the registry's as well. */
export const status: Operation<{ id: string; diff: boolean; fetch: boolean }, StatusAnswer> = {
  name: "status",
  description: "Tell where a skill stands: versions, slots, tests, readiness, edits of its source",
  mode: "read_only",
  input: z.object({ id, diff: z.boolean().default(false), fetch: z.boolean().default(false) }),
  async handler({ skills: { library }, signal }, { id: skill, diff, fetch }): Promise<StatusAnswer> {
    const skill_info = await library.info(skill);
    const missing_secrets = library.secrets.missing(skill);
    const generations = (await library.generations(skill)).map((one) => ({
      version: one.version,
      slot: one.slot,
      digest: one.digest,
      status: one.status,
      last_error: one.last_error,
      installed_at: one.installed_at,
      tests: one.tests === null ? null : {
        passed: one.tests.passed,
        cases: one.tests.cases.length + one.tests.examples.length + one.tests.given.length,
        failed: [...one.tests.cases, ...one.tests.examples, ...one.tests.given]
          .filter((result) => result.status === "failed").length,
      },
    }));
    const remote = fetch ? await library.remoteSource(skill, "workspace", { signal }) : undefined;
    const edited = await library.sourceFiles(skill);
    const changes = edited === undefined ? "" : diffFiles(await library.files(skill), edited);
    return {
      skill_info,
      ready: skill_info.serving !== null && missing_secrets.length === 0,
      missing_secrets,
      generations,
      source: edited === undefined ? "absent" : changes === "" ? "same" : "changed",
      ...(diff ? { diff: changes } : {}),
      ...(remote === undefined ? {} : { remote: remoteStatus(remote, diff) }),
    };
  },
};

function remoteStatus(found: RemoteSource, diff: boolean): RemoteStatus {
  const { url, branch, commit, source, here, there } = found;
  return { url, branch, commit, source, ...(diff ? { diff: diffFiles(there, here) } : {}) };
}

/** What was logged of a skill. */
export interface LogsAnswer {
  readonly id: string;
  /** The end of each log of its slot that was asked for. */
  readonly logs: Readonly<Partial<Record<SlotLog, readonly string[]>>>;
  /** Its newest runs, the last one first. */
  readonly runs: readonly RunEntry[];
  /** How it was made, the last generation first. */
  readonly makings: readonly MakingEntry[];
  /** What was proposed as this skill, the last one first; why it was rejected is in `audit`. */
  readonly proposals: readonly ProposalNote[];
  /** What changed it, the last change first. */
  readonly audit: readonly AuditRecord[];
}

/** A proposal without its files. */
export type ProposalNote = Pick<SkillProposal, "id" | "version" | "status" | "created_at">;

/** Operation `logs`. */
export const logs: Operation<{ id: string; log?: SlotLog | undefined; lines: number }, LogsAnswer> = {
  name: "logs",
  description: "Read the logs, runs and changes of a skill, also of one that was only proposed or is gone",
  mode: "read_only",
  input: z.object({ id, log: z.enum(SLOT_LOGS).optional(), lines: count.default(50) }),
  async handler({ skills: { library } }, { id: skill, log, lines }): Promise<LogsAnswer> {
    if (log !== undefined) {
      const read = await library.log(skill, log, lines);
      return { id: skill, logs: { [log]: read }, runs: [], makings: [], proposals: [], audit: [] };
    }
    const known = {
      makings: await library.makings({ skill, limit: lines }),
      proposals: (await library.proposals()).filter(({ skill_id }) => skill_id === skill).slice(0, lines)
        .map(({ id, version, status, created_at }) => ({ id, version, status, created_at })),
      audit: await library.audit({ skill, limit: lines }),
    };
    const missing = await library.info(skill).then(() => undefined, (error: unknown) => ({ error }));
    if (missing === undefined) {
      const read = await Promise.all(
        SLOT_LOGS.map(async (name) => [name, await library.log(skill, name, lines)] as const),
      );
      return { id: skill, logs: Object.fromEntries(read), runs: await library.runs(skill, lines), ...known };
    }
    // what was rejected or uninstalled has no logs, and a story all the same
    if (!isNotFound(missing.error) || Object.values(known).every(({ length }) => length === 0)) {
      throw missing.error;
    }
    return { id: skill, logs: {}, runs: [], ...known };
  },
};

function isNotFound(error: unknown): boolean {
  return SkillError.isInstance(error) && error.code === "not_found";
}

/** What one maker did. */
export interface MakerStats {
  readonly maker: string;
  readonly generations: number;
  /** How many ended in which way. */
  readonly outcomes: Readonly<Partial<Record<MakingEntry["outcome"], number>>>;
  readonly rounds: number;
  readonly turns: number;
  readonly tokens: number;
  readonly wall_ms: number;
}

/** How much was run and made. */
export interface StatsAnswer {
  readonly stats: readonly RunStats[];
  /** By maker, the busiest first; of at most the last 10,000 generations. */
  readonly makers: readonly MakerStats[];
}

/** Operation `stats`. */
export const stats: Operation<{ id?: string | undefined; days?: number | undefined }, StatsAnswer> = {
  name: "stats",
  description:
    "Count the runs of each tool and the generations of each maker, how they ended, and what they took",
  mode: "read_only",
  input: z.object({ id: id.optional(), days: z.number().positive().max(36_500).optional() }),
  async handler({ skills: { library } }, { id: skill, days }): Promise<StatsAnswer> {
    if (skill !== undefined) await library.info(skill);
    const since = days === undefined ? 0 : Date.now() - days * 86_400_000;
    const makings = await library.makings({ since, skill, limit: 10_000 });
    return {
      stats: await library.stats({ since, ...(skill === undefined ? {} : { skill }) }),
      makers: byMaker(makings),
    };
  },
};

function byMaker(makings: readonly MakingEntry[]): readonly MakerStats[] {
  const makers = [...new Set(makings.map(({ maker }) => maker))].map((maker): MakerStats => {
    const own = makings.filter((one) => one.maker === maker);
    const sum = (key: "rounds" | "turns" | "tokens" | "wall_ms"): number =>
      own.reduce((total, one) => total + one[key], 0);
    const outcomes: Partial<Record<MakingEntry["outcome"], number>> = {};
    for (const { outcome } of own) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    return {
      maker,
      generations: own.length,
      outcomes,
      rounds: sum("rounds"),
      turns: sum("turns"),
      tokens: sum("tokens"),
      wall_ms: sum("wall_ms"),
    };
  });
  return makers.toSorted((a, b) => b.generations - a.generations);
}
