import { lastChange, readStates } from "../records/records.ts";
import { removedSince } from "../records/removed.ts";
import type { HomeDb } from "../storage/home-db.ts";
import { registryOf } from "./python-registry.ts";
import { registryRecord } from "./skill-projection.ts";

/**
 * The lines of `python_registry.json`, kept from one change to the next: of ten thousand skills only those that changed
 * are read and written out again.
 */
export class RegistryLines {
  readonly #db: HomeDb;
  #lines: ReadonlyMap<string, string> = new Map();
  /** The revision of the home that the lines show. */
  #revision = -1;

  constructor(db: HomeDb) {
    this.#db = db;
  }

  /** The whole text of the file, as of the last commit. */
  text(): string {
    const { sql, revision } = this.#db;
    const lines = new Map(this.#lines);
    for (const { id } of removedSince(sql, this.#revision)) lines.delete(id);
    const before = lines.size;
    for (const state of readStates(sql, this.#revision)) {
      lines.set(state.id, JSON.stringify(registryRecord(state)));
    }
    this.#lines = lines.size === before ? lines : new Map([...lines].sort(([a], [b]) => (a < b ? -1 : 1)));
    this.#revision = revision;
    return registryOf([...this.#lines.values()], lastChange(sql));
  }

  /** The next text is read from the database alone. */
  forget(): void {
    this.#lines = new Map();
    this.#revision = -1;
  }
}
