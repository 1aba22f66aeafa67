import { appendFile, mkdir, stat, truncate } from "node:fs/promises";
import { join } from "node:path";
import type { HomeLayout } from "./home-layout.ts";
import type { StoredGeneration } from "./records.ts";

const MOST_BYTES = 1 << 20;

/** Appends to a log of the slot that a generation has: `install`, `tests`, `activate`, `setup`. A log that grew too large begins anew. Never throws. */
export async function appendSlotLog(
  layout: HomeLayout,
  { skill_id, version, slot }: Pick<StoredGeneration, "skill_id" | "version" | "slot">,
  log: "install" | "tests" | "activate" | "setup",
  text: string,
): Promise<void> {
  const folder = join(layout.version(skill_id, version).slot(slot), "logs");
  const path = join(folder, `${log}.log`);
  try {
    await mkdir(folder, { recursive: true });
    const size = await stat(path).then(({ size }) => size, () => 0);
    if (size > MOST_BYTES) await truncate(path);
    const time = new Date().toISOString();
    await appendFile(path, `${text.trimEnd().split("\n").map((line) => `${time} ${line}`).join("\n")}\n`, {
      mode: 0o644,
    });
  } catch {
    // What is logged is in home.db too: an operation does not fail for its log.
  }
}
