import { readFile } from "node:fs/promises";
import { writeFileAtomic } from "../base/atomic-file.ts";
import { parseJson } from "../base/json.ts";

/** What the index says about itself: for people, `doctor`, and a writer that comes too late. */
export interface IndexState {
  readonly format: 1;
  /** Id of the embedder. */
  readonly embedder: string;
  readonly dimensions: number;
  /** Revision of the source that the vectors stand for. */
  readonly revision: number;
  readonly documents: number;
  readonly vectors: number;
}

/** Reads the state; undefined when there is none that can be understood. */
export async function readIndexState(path: string): Promise<IndexState | undefined> {
  try {
    const state = parseJson(await readFile(path), "the index state") as Partial<IndexState> | null;
    const numbers = [state?.dimensions, state?.revision, state?.documents, state?.vectors];
    const valid = state?.format === 1 && typeof state.embedder === "string" &&
      numbers.every(Number.isInteger);
    return valid ? state as IndexState : undefined;
  } catch {
    return undefined;
  }
}

/** Writes the state, atomically. */
export async function writeIndexState(path: string, state: IndexState): Promise<void> {
  await writeFileAtomic(path, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o644 });
}
