import { type VectorPlan, vectorPlans } from "./document-texts.ts";
import type { SearchDocument } from "./types.ts";

/** A document as the index holds it. */
export interface IndexedDocument {
  readonly document: SearchDocument;
  readonly plans: readonly VectorPlan[];
  /** Unlike its id never used again, so that the lexical index can tell a document from what it was before. */
  readonly serial: number;
}

/** What the index has to do to stand for other documents than before. */
export interface DocumentChanges {
  /** All that there is now, in the order of the source. */
  readonly now: readonly IndexedDocument[];
  readonly removed: readonly IndexedDocument[];
  readonly added: readonly IndexedDocument[];
}

/**
 * Compares documents with those that were indexed. Of the same id the last one counts. A document whose texts are as
 * before is neither removed nor added, whatever became of its facets.
 *
 * @param serial the next serial number to be used
 */
export function documentChanges(
  before: readonly IndexedDocument[],
  documents: readonly SearchDocument[],
  serial: number,
): DocumentChanges {
  const known = new Map(before.map((each) => [each.document.id, each]));
  const wanted = new Map(documents.map((document) => [document.id, document]));
  const added: IndexedDocument[] = [];
  const now = [...wanted.values()].map((document) => {
    const old = known.get(document.id);
    if (old?.document === document) return old;
    if (old !== undefined && sameTexts(old.document, document)) return { ...old, document };
    const made = { document, plans: vectorPlans(document), serial: serial + added.length };
    added.push(made);
    return made;
  });
  const stays = new Set(now.map((each) => each.serial));
  return { now, added, removed: before.filter((each) => !stays.has(each.serial)) };
}

function sameTexts(a: SearchDocument, b: SearchDocument): boolean {
  return a.name === b.name && a.description === b.description && a.body === b.body &&
    a.triggers.length === b.triggers.length && a.triggers.every((trigger, at) => trigger === b.triggers[at]);
}
