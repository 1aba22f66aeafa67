import { SLOTS } from "../storage/home-layout.ts";
import type { Generation, GenerationInfo, SkillInfo, Slot } from "../types.ts";
import type { GenerationState, SkillRecord, SkillState, StoredGeneration } from "./records.ts";

/** A generation as callers get it, without what only the library needs. */
export function bareGeneration(
  { name: _name, script: _script, resolved: _resolved, activated: _activated, ...bare }: StoredGeneration,
): Generation {
  return bare;
}

/** The generation that calls go to. */
export function servingOf<G extends GenerationState>(record: SkillState<G>): G | undefined {
  return record.generations.find((generation) => generation.status === "active");
}

/** The newest generation that waits to serve. */
export function candidateOf<G extends GenerationState>(record: SkillState<G>): G | undefined {
  return record.generations.findLast(({ status }) => status === "pending" || status === "testing");
}

/** Generations that have served, the last one first. */
export function servedOf<G extends GenerationState>(record: SkillState<G>): readonly G[] {
  return record.generations.filter(({ activated }) => activated !== null)
    .sort((a, b) => (b.activated ?? 0) - (a.activated ?? 0));
}

/** The last healthy generation that served before the one that serves, or served last. */
export function previousOf<G extends GenerationState>(record: SkillState<G>): G | undefined {
  return servedOf(record).slice(1).find((generation) => generation.status === "disabled");
}

/** The generation whose status is the skill's own: the serving one, else the newest. */
export function ownGeneration<G extends GenerationState>(record: SkillState<G>): G {
  return servingOf(record) ?? newest(record);
}

/** The generation that a person sees in `<id>.py`: serving, else candidate, else the one that served last, else the newest. */
export function shownGeneration<G extends GenerationState>(record: SkillState<G>): G {
  return servingOf(record) ?? candidateOf(record) ?? servedOf(record)[0] ?? newest(record);
}

/** The newest generation. */
export function newest<G extends GenerationState>(record: SkillState<G>): G {
  const last = record.generations.at(-1);
  if (last === undefined) throw new RangeError(`skill "${record.id}" has no generation`);
  return last;
}

/** The generation whose build a slot points at: the serving one, else the candidate, else the last that served there. */
export function holderOf(record: SkillRecord, version: string, slot: Slot): StoredGeneration | undefined {
  const here = record.generations.filter((one) => one.version === version && one.slot === slot);
  return here.find((one) => one.status === "active") ??
    here.findLast((one) => one === candidateOf(record)) ??
    here.toSorted((a, b) => (b.activated ?? 0) - (a.activated ?? 0) || b.number - a.number)[0];
}

/**
 * The slot for a new build of a version: never the one that serves; not the one that a rollback would take, as long as
 * the other is free.
 */
export function freeSlot(record: SkillRecord | undefined, version: string): Slot {
  if (record === undefined) return "A";
  const keep = [servingOf(record), previousOf(record)].filter((one) => one?.version === version);
  const taken = keep[0]?.slot;
  const free = SLOTS.find((slot) => !keep.some((one) => one?.slot === slot));
  return free ?? (taken === "A" ? "B" : "A");
}

/** What is shown of a generation. */
export function generationInfo(generation: StoredGeneration): GenerationInfo {
  const { version, slot, digest, status, last_error } = generation;
  return { version, slot, digest, status, last_error };
}

/** What is shown of a skill. `focus` says whose version, status and tools: by default the skill's own generation. */
export function skillInfo(record: SkillRecord, focus: StoredGeneration = ownGeneration(record)): SkillInfo {
  const { manifest, tools, default_tool } = focus.resolved;
  const serving = servingOf(record), candidate = candidateOf(record);
  return {
    id: record.id,
    name: manifest.name,
    version: focus.version,
    status: focus.status,
    last_error: focus.last_error,
    description: manifest.description,
    tools,
    default_tool,
    permissions: manifest.security.permissions,
    serving: serving === undefined ? null : generationInfo(serving),
    candidate: candidate === undefined ? null : generationInfo(candidate),
  };
}
