import { join, relative } from "node:path";
import type { SkillRecord, SkillState, StoredGeneration } from "../records/records.ts";
import {
  holderOf,
  ownGeneration,
  previousOf,
  servedOf,
  servingOf,
  shownGeneration,
} from "../records/skill-record.ts";
import { BUILD_PARTS, type HomeLayout, SLOT_OWN, SLOTS } from "../storage/home-layout.ts";
import type { TestReport } from "../test-report.ts";
import type { SkillStatus, Slot } from "../types.ts";
import type { Projected } from "./projections.ts";

/** What the projection of a skill needs to know besides its record. */
export interface BuildContents {
  /** Bytes of the entry script of the shown generation, or undefined when its build is damaged. */
  readonly script: Uint8Array | undefined;
  /** Names in the folder of a build. */
  readonly parts: (build: string) => readonly string[];
}

/** How every path that belongs to a skill must look, given its record. Pure. */
export function projectSkill(
  layout: HomeLayout,
  record: SkillRecord,
  contents: BuildContents,
): readonly Projected[] {
  const versions = [...new Set(record.generations.map(({ version }) => version))];
  return [
    ...versions.flatMap((version) => projectVersion(layout, record, version, contents)),
    marker(layout.activeVersion(record.id), servingOf(record)?.version),
    marker(layout.previousVersion(record.id), previousOf(record)?.version),
    ...projectScripts(layout, record, contents.script),
  ];
}

/** A skill that is neither serving nor about to keeps its script apart from those that are. */
export function isPutAside(record: SkillState): boolean {
  const { status } = shownGeneration(record);
  return status === "disabled" || status === "quarantined";
}

function projectScripts(
  layout: HomeLayout,
  record: SkillRecord,
  script: Uint8Array | undefined,
): readonly Projected[] {
  const ours = (digest: string): boolean => record.generations.some((one) => one.script === digest);
  const aside = isPutAside(record);
  const here = aside ? layout.disabledScript(record.id) : layout.script(record.id);
  const away = aside ? layout.script(record.id) : layout.disabledScript(record.id);
  return [
    ...(script === undefined ? [] : [{ kind: "file", path: here, bytes: script, ours } as const]),
    { kind: "absent", path: away, ours },
  ];
}

function projectVersion(
  layout: HomeLayout,
  record: SkillRecord,
  version: string,
  contents: BuildContents,
): readonly Projected[] {
  const folder = layout.version(record.id, version);
  const served = servedOf(record).filter((one) => one.version === version);
  return [
    ...SLOTS.flatMap((slot) => projectSlot(layout, record, version, slot, contents)),
    marker(folder.active, served[0]?.slot),
    marker(folder.previous, served.find((one) => one !== served[0] && one.status !== "quarantined")?.slot),
    { kind: "file", path: folder.meta, bytes: `${JSON.stringify(meta(record, version), null, 2)}\n` },
  ];
}

function projectSlot(
  layout: HomeLayout,
  record: SkillRecord,
  version: string,
  slot: Slot,
  contents: BuildContents,
): readonly Projected[] {
  const folder = layout.version(record.id, version).slot(slot);
  const own = SLOT_OWN.map((name): Projected => ({ kind: "folder", path: join(folder, name) }));
  const holder = holderOf(record, version, slot);
  const build = holder === undefined ? undefined : layout.build(record.id, holder.build);
  const there = holder === undefined ? [] : contents.parts(holder.build);
  const links = BUILD_PARTS.map((name): Projected =>
    build !== undefined && there.includes(name)
      ? { kind: "link", path: join(folder, name), target: relative(folder, join(build, name)) }
      : { kind: "absent", path: join(folder, name) }
  );
  return [...own, ...links];
}

function marker(path: string, text: string | undefined): Projected {
  return text === undefined ? { kind: "absent", path } : { kind: "file", path, bytes: `${text}\n` };
}

/** `meta.json` of a version: default tool, what each slot holds, and its history. */
function meta(record: SkillRecord, version: string): unknown {
  const here = record.generations.filter((one) => one.version === version);
  const slots = SLOTS.map((slot) => [slot, holderOf(record, version, slot)] as const);
  return {
    id: record.id,
    version,
    default_tool: here.at(-1)?.resolved.default_tool,
    slots: Object.fromEntries(slots.map(([slot, one]) => [slot, one === undefined ? null : metaOf(one)])),
    history: here.map((one) => ({ generation: one.number, slot: one.slot, ...metaOf(one) })),
  };
}

function metaOf(generation: StoredGeneration): object {
  const { build, digest, status, last_error, tests, installed_at, updated_at } = generation;
  return {
    build,
    digest,
    status,
    last_error,
    tests: tests === null ? null : testSummary(tests),
    installed_at,
    updated_at,
  };
}

function testSummary(report: TestReport): unknown {
  const all = [...report.cases, ...report.examples, ...report.given];
  const passed = all.filter((one) => one.status === "passed").length;
  return {
    passed: report.passed,
    handshake: report.handshake.ok,
    cases: { passed, failed: all.length - passed },
    ms: report.ms,
  };
}

/** The ten fields of the paper's registry record. Paths are relative to the home, with `/`. */
export interface PythonSkillRecord {
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly status: SkillStatus;
  readonly script_path: string;
  readonly work_dir: string;
  readonly last_known_good_snapshot: string | null;
  readonly last_error: string | null;
  readonly installed_at: number;
  readonly updated_at: number;
}

/** A skill as `python_registry.json` shows it. */
export function registryRecord(record: SkillState): PythonSkillRecord {
  const { id, snapshot } = record;
  const own = ownGeneration(record), shown = shownGeneration(record);
  return {
    id,
    name: own.name,
    version: own.version,
    status: own.status,
    // Written out, not joined: there may be ten thousand of them.
    script_path: isPutAside(record) ? `.state/disabled/${id}.py` : `${id}.py`,
    work_dir: `.runtime/${id}/${shown.version}/slots/${shown.slot}`,
    last_known_good_snapshot: snapshot,
    last_error: own.last_error,
    installed_at: own.installed_at,
    updated_at: own.updated_at,
  };
}
