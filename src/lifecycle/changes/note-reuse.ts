import { commit, type Home } from "../home/home.ts";
import type { Actor } from "../types.ts";

/** The most characters that are kept of each text. */
const MOST = 2000;

/** Why a skill was taken for an intent. */
export interface ReuseNote {
  readonly intent: string;
  readonly how: string;
  readonly actor?: Actor | undefined;
}

/** Records in the audit that a skill was taken instead of making one, and why. @throws {SkillError} `not_found` */
export async function noteReuse(home: Home, id: string, { intent, how, actor }: ReuseNote): Promise<void> {
  home.view.get(id);
  const details = { intent: intent.slice(0, MOST), how: how.slice(0, MOST) };
  await commit(home, { action: "reuse", actor, skill_id: id, details }, () => {});
}
