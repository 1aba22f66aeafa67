import { readFile } from "node:fs/promises";
import { writeFileAtomic } from "../base/atomic-file.ts";
import { parseJson } from "../base/json.ts";
import type { VectorSpace } from "./vector-store.ts";

/** What was put into a store that cannot be asked what it holds. */
export interface VectorLedger {
  readonly format: 1;
  /** Name of the store. */
  readonly store: string;
  readonly space: VectorSpace;
  /** Ids of the vectors. */
  readonly ids: readonly string[];
}

/** The ids noted for that store and space; none when there is no ledger for them that can be understood. */
export async function readLedger(path: string, store: string, space: VectorSpace): Promise<Set<string>> {
  try {
    const ledger = parseJson(await readFile(path), "the vector ledger") as Partial<VectorLedger> | null;
    const fits = ledger?.format === 1 && ledger.store === store && ledger.space?.id === space.id &&
      ledger.space.dimensions === space.dimensions && Array.isArray(ledger.ids);
    return new Set(fits ? ledger.ids.filter((id) => typeof id === "string") : []);
  } catch {
    return new Set();
  }
}

/** Writes the ledger, atomically. */
export async function writeLedger(path: string, ledger: VectorLedger): Promise<void> {
  await writeFileAtomic(path, JSON.stringify(ledger));
}
