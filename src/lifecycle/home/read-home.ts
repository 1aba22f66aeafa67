import { realpath } from "node:fs/promises";
import { HomeView } from "../records/home-view.ts";
import { skillInfo } from "../records/skill-record.ts";
import { HomeDb } from "../storage/home-db.ts";
import { homeLayout } from "../storage/home-layout.ts";
import { hasSoundDatabase } from "../storage/sound-state.ts";
import { isTrusted } from "../storage/trust.ts";
import type { SkillInfo } from "../types.ts";

/** A home that is only looked at. */
export interface HomeReader {
  list(): Promise<readonly SkillInfo[]>;
  close(): Promise<void>;
}

/**
 * Opens a home to look at it, without all that is needed to change it or to run what is in it: nothing is made, brought
 * up or collected. Undefined when there is more to do or to say than to read: no home, one that this user does not
 * trust, a change whose files are not brought up yet, or anything wrong. Then it is for `openHome`.
 */
export async function readHome(path: string): Promise<HomeReader | undefined> {
  try {
    const layout = homeLayout(await realpath(path));
    if (!await hasSoundDatabase(layout)) return undefined;
    const db = await HomeDb.open(layout.db, { readOnly: true });
    if (await isUp(db, layout.dir).catch(() => false)) return readerOf(db);
    await db.close();
  } catch {
    // `openHome` meets it again, and says what it is.
  }
  return undefined;
}

async function isUp(db: HomeDb, dir: string): Promise<boolean> {
  return db.projected === db.revision && await isTrusted(dir, db.homeId);
}

function readerOf(db: HomeDb): HomeReader {
  const view = new HomeView(db);
  return {
    async list() {
      return await Promise.resolve(view.all().map((record) => skillInfo(record)));
    },
    close: () => db.close(),
  };
}
