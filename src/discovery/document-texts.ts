import { sha256 } from "../base/digest.ts";
import type { SearchDocument } from "./types.ts";
import { splitName } from "./words.ts";

/** Part of every item's id: another form of the embedded texts makes other ids, so old vectors are never mixed in. */
const TEXT_FORM = "mean(description,split-name)|trigger/1";

/** The model reads 256 word pieces; what lies beyond this many characters can't reach it. */
const MAX_EMBEDDED_CHARACTERS = 2_048;
const MAX_TRIGGERS = 64;
const MAX_FIELD_CHARACTERS = { name: 200, description: 4_096, triggers: 16_384, body: 20_000 } as const;

/** One vector that a document needs: the normalised mean of its texts' vectors. */
export interface VectorPlan {
  /** Digest of the document's id, the kind and the texts: equal ids mean equal vectors. */
  readonly id: string;
  readonly document: string;
  readonly kind: "document" | "trigger";
  readonly texts: readonly string[];
  /** What is shown when this vector matched best. */
  readonly shown: string;
}

/** The vectors a document needs: one of its own, one for each trigger. */
export function vectorPlans(document: SearchDocument): VectorPlan[] {
  const own = [document.description, splitName(document.name)].map(embeddable).filter((text) => text !== "");
  const plans = [plan(document, "document", own.length > 0 ? own : [embeddable(document.id)])];
  for (const trigger of indexedTriggers(document)) plans.push(plan(document, "trigger", [trigger]));
  return [...new Map(plans.map((each) => [each.id, each])).values()];
}

/** A text as a model gets it: bounded, one line, without control characters. */
export function embeddable(text: string): string {
  return bounded(text, MAX_EMBEDDED_CHARACTERS).replace(/[\s\p{C}]+/gu, " ").trim();
}

/** The fields of a document as the lexical index takes them, each bounded. */
export function lexicalFields(document: SearchDocument): Record<keyof typeof MAX_FIELD_CHARACTERS, string> {
  return {
    name: bounded(document.name, MAX_FIELD_CHARACTERS.name),
    description: bounded(document.description, MAX_FIELD_CHARACTERS.description),
    triggers: bounded(document.triggers.slice(0, MAX_TRIGGERS).join("\n"), MAX_FIELD_CHARACTERS.triggers),
    body: bounded(document.body, MAX_FIELD_CHARACTERS.body),
  };
}

function indexedTriggers(document: SearchDocument): string[] {
  return document.triggers.slice(0, MAX_TRIGGERS).map(embeddable).filter((text) => text !== "");
}

function plan(document: SearchDocument, kind: VectorPlan["kind"], texts: readonly string[]): VectorPlan {
  const id = sha256(JSON.stringify([TEXT_FORM, document.id, kind, texts])).slice(0, 40);
  return { id, document: document.id, kind, texts, shown: texts[0] ?? "" };
}

function bounded(text: string, characters: number): string {
  return text.length > characters ? text.slice(0, characters) : text;
}
