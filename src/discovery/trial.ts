import type { IndexedDocument } from "./document-set.ts";
import { embeddable, vectorPlans } from "./document-texts.ts";
import { embedPlans } from "./embed-plans.ts";
import type { GuardedEmbedder } from "./guarded-embedder.ts";
import { LexicalIndex } from "./lexical-index.ts";
import { SearchIndex } from "./search-index.ts";
import type { SemanticView } from "./semantic-index.ts";
import type { SearchDocument, TrialPlace } from "./types.ts";
import { VectorTable } from "./vectors.ts";

/** The documents among which one is tried. */
export interface TrialGround {
  readonly documents: readonly IndexedDocument[];
  readonly semantic: SemanticView;
  readonly embedder: GuardedEmbedder;
  readonly signal: AbortSignal;
}

/** Where a document would stand for each text. It takes the place of what has its id. @throws what the embedder throws */
export async function placesOf(
  document: SearchDocument,
  texts: readonly string[],
  filter: (document: SearchDocument) => boolean,
  { documents, semantic, embedder, signal }: TrialGround,
): Promise<TrialPlace[]> {
  const kept = [...documents.keys()].filter((at) => {
    const each = documents[at]?.document;
    return each !== undefined && each.id !== document.id && filter(each);
  });
  const own: IndexedDocument = { document, plans: vectorPlans(document), serial: -1 };
  const among = [...kept.flatMap((at) => documents[at] ?? []), own];
  const lexical = new LexicalIndex();
  lexical.update([], among);
  const vectors = await embedPlans(own.plans, embedder, signal);
  const index = new SearchIndex(among, lexical, withOwn(semantic, kept, [...vectors.values()]));
  const places: TrialPlace[] = [];
  for (const text of texts) {
    signal.throwIfAborted();
    const query = embeddable(text);
    const { matches } = await index.search(query, await embedder.embedQuery(query), {
      limit: among.length,
      relatedOnly: true,
    });
    const rank = matches.findIndex(({ id }) => id === document.id);
    const ahead = matches.slice(0, rank < 0 ? undefined : rank).map(({ id }) => id);
    places.push({ rank: rank < 0 ? null : rank + 1, ahead });
  }
  return places;
}

/** Some documents of a view, and one more. */
function withOwn(view: SemanticView, kept: readonly number[], own: readonly Float32Array[]): SemanticView {
  const table = new VectorTable([own], own[0]?.length ?? 0);
  return {
    vectors: kept.length + own.length,
    made: own.length,
    async best(query) {
      const others = await view.best(query);
      const mine = table.best(query);
      return {
        cosine: Float32Array.from([...kept.map((at) => others.cosine[at] ?? -1), mine.cosine[0] ?? -1]),
        row: Int32Array.from([...kept.map((at) => others.row[at] ?? -1), mine.row[0] ?? -1]),
      };
    },
    all: () => Promise.reject(new RangeError("A trial has no vectors of its own")),
  };
}
