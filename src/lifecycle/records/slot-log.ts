import { Buffer } from "node:buffer";
import { appendFile, open, stat, truncate } from "node:fs/promises";
import { join } from "node:path";
import { plainText } from "../../base/plain-text.ts";
import type { HomeLayout } from "../storage/home-layout.ts";
import type { StoredGeneration } from "./records.ts";

const MOST_BYTES = 1 << 20;
/** Bytes of the end of a log that are read. */
const READ_BYTES = 256 * 1024;

/** The logs of a slot, in the order of a skill's life. */
export const SLOT_LOGS = ["install", "tests", "activate", "setup", "run"] as const;

/** The name of a log of a slot. */
export type SlotLog = (typeof SLOT_LOGS)[number];

/** What says which slot it is. */
export type LogPlace = Pick<StoredGeneration, "skill_id" | "version" | "slot">;

/** Appends to a log of the slot that a generation has. A log that grew too large begins anew. Never throws. */
export async function appendSlotLog(
  layout: HomeLayout,
  place: LogPlace,
  log: SlotLog,
  text: string,
): Promise<void> {
  const path = slotLogPath(layout, place, log);
  try {
    await appendLog(path, logLines(text));
  } catch {
    // Its folder is there as long as the skill is. What is logged is in home.db too: nothing fails for its log.
  }
}

/** A text as lines of a log, each with the time. */
export function logLines(text: string, at: Date = new Date()): string {
  const time = at.toISOString();
  return `${plainText(text).trimEnd().split("\n").map((line) => `${time} ${line}`).join("\n")}\n`;
}

/** Appends to a log whose folder is there. One that grew too large begins anew. */
export async function appendLog(path: string, lines: string): Promise<void> {
  const size = await stat(path).then(({ size }) => size, () => 0);
  if (size > MOST_BYTES) await truncate(path);
  await appendFile(path, lines, { mode: 0o600 });
}

/** The last lines of a log of a slot; none when it was never written. */
export async function readSlotLog(
  layout: HomeLayout,
  place: LogPlace,
  log: SlotLog,
  lines: number,
): Promise<readonly string[]> {
  const file = await open(slotLogPath(layout, place, log), "r").catch(() => undefined);
  if (file === undefined) return [];
  try {
    const { size } = await file.stat();
    const length = Math.min(size, READ_BYTES);
    const { buffer } = await file.read(Buffer.alloc(length), 0, length, size - length);
    const all = buffer.toString("utf8").trimEnd().split("\n");
    // The first one may have been cut.
    return (length < size ? all.slice(1) : all).filter((line) => line !== "").slice(-lines);
  } finally {
    await file.close();
  }
}

/** Where a log of a slot lies. */
export function slotLogPath(
  layout: HomeLayout,
  { skill_id, version, slot }: LogPlace,
  log: SlotLog,
): string {
  return join(layout.version(skill_id, version).slot(slot), "logs", `${log}.log`);
}
