import { SkillError } from "../../base/errors.ts";
import { touchSkill } from "../records/records.ts";
import type { HomeDb, HomeTransaction } from "../storage/home-db.ts";
import { keyName, keyNameOf, seal, type SealKey, unseal } from "./seal.ts";

/** A stored secret without its value. */
export interface SecretInfo {
  /** The skill that it is for; null for every skill of the home that declares its name. */
  readonly skill_id: string | null;
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly updated_at: number;
}

/** Secrets of a home, sealed, in `home.db`. Writing happens inside the transaction of the caller. */
export class SecretStore {
  readonly #db: HomeDb;
  readonly #key: SealKey;

  constructor(db: HomeDb, key: SealKey) {
    this.#db = db;
    this.#key = key;
  }

  /** All, or one skill's, or with null the home's; sorted. */
  list(skill?: string | null): readonly SecretInfo[] {
    const rows = this.#db.sql.all("select skill_id, name, updated_at from secrets order by skill_id, name");
    return rows.map((row) => ({
      skill_id: row["skill_id"] === "" ? null : String(row["skill_id"]),
      name: String(row["name"]),
      updated_at: Number(row["updated_at"]),
    })).filter(({ skill_id }) => skill === undefined || skill_id === skill);
  }

  /** The value for a skill: its own, else the home's. @throws {SkillError} `secrets_unusable` */
  valueFor(skill: string, name: string): string | undefined {
    return this.value(skill, name) ?? this.value(null, name);
  }

  /** The value stored at exactly this place. @throws {SkillError} `secrets_unusable` */
  value(skill: string | null, name: string): string | undefined {
    const row = this.#db.sql.get(
      "select sealed from secrets where skill_id = ? and name = ?",
      skill ?? "",
      name,
    );
    return row === undefined ? undefined : this.#open(String(row["sealed"]), skill, name);
  }

  /** Makes what `put` needs, before the transaction. @throws {SkillError} `secrets_unusable` */
  prepare(): void {
    this.#key.findOrMake();
  }

  /** Stores or replaces a secret. */
  put(tx: HomeTransaction, skill: string | null, name: string, value: string): void {
    const sealed = seal(this.#key.findOrMake(), value, this.#place(skill, name));
    tx.sql.run(
      `insert into secrets values (?1, ?2, ?3, ?4)
       on conflict (skill_id, name) do update set sealed = ?3, updated_at = ?4`,
      skill ?? "",
      name,
      sealed,
      tx.now,
    );
    if (skill !== null) touchSkill(tx, skill, "other");
  }

  /** Removes a secret. @returns whether there was one */
  remove(tx: HomeTransaction, skill: string | null, name: string): boolean {
    const there = tx.sql.get("select 1 from secrets where skill_id = ? and name = ?", skill ?? "", name);
    if (there === undefined) return false;
    tx.sql.run("delete from secrets where skill_id = ? and name = ?", skill ?? "", name);
    if (skill !== null) touchSkill(tx, skill, "other");
    return true;
  }

  #open(sealed: string, skill: string | null, name: string): string {
    const what = skill === null ? `the secret "${name}" of the home` : `the secret "${name}" of "${skill}"`;
    const key = this.#key.find();
    const wanted = keyNameOf(sealed);
    const details = { name, skill_id: skill };
    if (key === undefined || wanted !== keyName(key)) {
      throw new SkillError(
        "secrets_unusable",
        `${what} was stored with another key than "${this.#key.path}"`,
        {
          fix: `put that key back, or set the secret anew`,
          details,
        },
      );
    }
    const value = unseal(key, sealed, this.#place(skill, name));
    if (value !== undefined) return value;
    throw new SkillError("secrets_unusable", `${what} was changed on disk`, { fix: "set it anew", details });
  }

  #place(skill: string | null, name: string): { home: string; skill: string; name: string } {
    return { home: this.#db.homeId, skill: skill ?? "", name };
  }
}

/** How stored secrets show in a file: sealed, by name. */
export function secretsFile(db: HomeDb, skill: string | null): string | undefined {
  const rows = db.sql.all("select name, sealed from secrets where skill_id = ? order by name", skill ?? "");
  if (rows.length === 0) return undefined;
  const secrets = Object.fromEntries(rows.map((row) => [String(row["name"]), String(row["sealed"])]));
  return `${JSON.stringify({ format: 1, secrets }, null, 2)}\n`;
}
