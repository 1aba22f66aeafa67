import { Buffer } from "node:buffer";
import { appendFile, mkdir, open, stat, truncate } from "node:fs/promises";
import { dirname, join } from "node:path";
import { plainText } from "../base/plain-text.ts";
import type { HomeLayout } from "./home-layout.ts";
import type { StoredGeneration } from "./records.ts";

const MOST_BYTES = 1 << 20;
/** Bytes of the end of a log that are read. */
const READ_BYTES = 256 * 1024;

/** The logs of a slot, in the order of a skill's life. */
export const SLOT_LOGS = ["install", "tests", "activate", "setup"] as const;

/** The name of a log of a slot. */
export type SlotLog = (typeof SLOT_LOGS)[number];

type LogPlace = Pick<StoredGeneration, "skill_id" | "version" | "slot">;

/** Appends to a log of the slot that a generation has: `install`, `tests`, `activate`, `setup`. A log that grew too large begins anew. Never throws. */
export async function appendSlotLog(
  layout: HomeLayout,
  place: LogPlace,
  log: SlotLog,
  text: string,
): Promise<void> {
  const path = logPath(layout, place, log);
  try {
    await mkdir(dirname(path), { recursive: true });
    const size = await stat(path).then(({ size }) => size, () => 0);
    if (size > MOST_BYTES) await truncate(path);
    const time = new Date().toISOString();
    await appendFile(
      path,
      `${plainText(text).trimEnd().split("\n").map((line) => `${time} ${line}`).join("\n")}\n`,
      {
        mode: 0o644,
      },
    );
  } catch {
    // What is logged is in home.db too: an operation does not fail for its log.
  }
}

/** The last lines of a log of a slot; none when it was never written. */
export async function readSlotLog(
  layout: HomeLayout,
  place: LogPlace,
  log: SlotLog,
  lines: number,
): Promise<readonly string[]> {
  const file = await open(logPath(layout, place, log), "r").catch(() => undefined);
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

function logPath(layout: HomeLayout, { skill_id, version, slot }: LogPlace, log: SlotLog): string {
  return join(layout.version(skill_id, version).slot(slot), "logs", `${log}.log`);
}
