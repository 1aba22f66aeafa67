import { candidateOf, servingOf, shownGeneration } from "../records/skill-record.ts";
import { readSlotLog, type SlotLog } from "../records/slot-log.ts";
import { type Home, requireTrusted } from "./home.ts";

/**
 * The last lines of a log of the slot that the candidate, else what serves, has; of `run` and `setup`, what serves: a
 * candidate is neither run nor set up.
 *
 * @throws {SkillError} `not_found`, `untrusted_home`
 */
export async function readSkillLog(
  home: Home,
  id: string,
  log: SlotLog,
  lines: number,
): Promise<readonly string[]> {
  requireTrusted(home);
  const record = home.view.get(id);
  const served = log === "run" || log === "setup" ? servingOf(record) : undefined;
  if (log === "run") await home.runLog.flush();
  const place = served ?? candidateOf(record) ?? shownGeneration(record);
  return await readSlotLog(home.layout, place, log, lines);
}
