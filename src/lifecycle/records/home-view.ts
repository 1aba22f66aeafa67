import { SkillError } from "../../base/errors.ts";
import { nearest } from "../../base/nearest.ts";
import type { HomeDb } from "../storage/home-db.ts";
import { idsChangedSince, readIds, readSkill, readSkills, type SkillRecord } from "./records.ts";
import { removedSince } from "./removed.ts";

/**
 * What readers see: skills as last committed by any process, read once and kept until a commit changes them. Every
 * read asks whether something changed.
 */
export class HomeView {
  readonly #db: HomeDb;
  readonly #asRead: (record: SkillRecord) => SkillRecord;
  readonly #skills = new Map<string, SkillRecord>();
  #ids: readonly string[] | undefined;
  #revision = -1;

  /** @param asRead changes records on their way in: an untrusted home shows no status but `pending` */
  constructor(db: HomeDb, asRead: (record: SkillRecord) => SkillRecord = (record) => record) {
    this.#db = db;
    this.#asRead = asRead;
  }

  /** The revision that the view shows. */
  get revision(): number {
    this.#renew();
    return this.#revision;
  }

  /** `revision` as last read, without asking again. */
  get lastRevision(): number {
    return this.#revision;
  }

  /** A skill as last read, without asking again: for who has just asked and did not wait since. */
  lastRead(id: string): SkillRecord | undefined {
    return this.#skills.get(id);
  }

  find(id: string): SkillRecord | undefined {
    this.#renew();
    const known = this.#skills.get(id);
    if (known !== undefined) return known;
    const record = readSkill(this.#db.sql, id);
    if (record === undefined) return undefined;
    const shown = this.#asRead(record);
    this.#skills.set(id, shown);
    return shown;
  }

  /** @throws {SkillError} `not_found`, naming the nearest id */
  get(id: string): SkillRecord {
    const record = this.find(id);
    if (record !== undefined) return record;
    const near = nearest(id, this.ids());
    throw new SkillError("not_found", `no skill has the id "${id}"`, {
      fix: near === undefined ? "see which skills there are: skillwright list" : `did you mean "${near}"`,
      details: { id, ...(near === undefined ? {} : { nearest: near }) },
    });
  }

  ids(): readonly string[] {
    this.#renew();
    return this.#ids ??= readIds(this.#db.sql);
  }

  /** All skills by id. */
  all(): readonly SkillRecord[] {
    const ids = this.ids();
    // One by one where a few changed; all at once where most were not read yet.
    if (this.#skills.size < ids.length / 2) this.#readAll();
    // `ids` has just asked whether something changed; asking for each of thousands would cost more than all else.
    return ids.map((id) => this.#skills.get(id) ?? this.find(id)).filter((record) => record !== undefined);
  }

  #readAll(): void {
    for (const record of readSkills(this.#db.sql)) {
      if (!this.#skills.has(record.id)) this.#skills.set(record.id, this.#asRead(record));
    }
  }

  #renew(): void {
    if (!this.#db.moved()) return;
    const { revision } = this.#db;
    if (revision === this.#revision) return;
    for (const id of idsChangedSince(this.#db.sql, this.#revision)) this.#skills.delete(id);
    for (const { id } of removedSince(this.#db.sql, this.#revision)) this.#skills.delete(id);
    this.#ids = undefined;
    this.#revision = revision;
  }
}
