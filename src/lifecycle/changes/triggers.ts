import { SkillError } from "../../base/errors.ts";
import { commit, type Home } from "../home/home.ts";
import { touchSkill } from "../records/records.ts";
import type { HomeTransaction } from "../storage/home-db.ts";

/** How many sentences a skill keeps besides its manifest's, and how long each may be. */
const MOST = { sentences: 64, characters: 500 } as const;

/** Adds a sentence that should find a skill. One that is there already, and one too many, change nothing. */
export async function addTrigger(home: Home, id: string, sentence: string): Promise<void> {
  const record = home.view.get(id);
  const text = normalize(sentence);
  if (text === "") throw new SkillError("invalid_input", "a trigger sentence must not be empty");
  const known = [
    ...record.triggers,
    ...record.generations.flatMap(({ resolved }) => resolved.manifest.triggers),
  ];
  if (known.map(folded).includes(folded(text)) || record.triggers.length >= MOST.sentences) return;
  await commit(home, { action: "trigger", skill_id: id }, (tx) => {
    touchSkill(tx, id, "other");
    addSentences(tx, id, [text]);
  });
}

/** Adds sentences inside a transaction that touches the skill. */
export function addSentences(tx: HomeTransaction, id: string, sentences: readonly string[]): void {
  for (const sentence of sentences.map(normalize)) {
    if (sentence === "") continue;
    tx.sql.run(
      `insert or ignore into triggers (skill_id, sentence, added_at)
       select ?1, ?2, ?3 where (select count(*) from triggers where skill_id = ?1) < ?4
         and not exists (select 1 from triggers where skill_id = ?1 and lower(sentence) = lower(?2))`,
      id,
      sentence,
      tx.now,
      MOST.sentences,
    );
  }
}

function normalize(sentence: string): string {
  return sentence.replaceAll(/\s+/g, " ").trim().slice(0, MOST.characters);
}

function folded(sentence: string): string {
  return sentence.toLowerCase();
}
