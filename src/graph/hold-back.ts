import { canonicalJson } from "../base/json.ts";
import { sha256 } from "../base/digest.ts";
import type { Example } from "../lifecycle/test-report.ts";

/** From how many examples on some are held back. */
const ENOUGH = 4;
const MOST = 20;

/** Examples the maker sees, and those that only the test sees. */
export interface DividedExamples {
  readonly shown: readonly Example[];
  readonly held_back: readonly Example[];
}

/**
 * Holds back a quarter of the examples (at least one, at most 20) when there are four or more, so that a skill that
 * memorised what it saw fails. The same examples are always divided the same way, in whatever order they come. Of
 * each kind (tool and way of comparing) one at least is shown, for nobody can guess what is never said.
 */
export function holdBack(examples: readonly Example[]): DividedExamples {
  if (examples.length < ENOUGH) return { shown: examples, held_back: [] };
  const wanted = Math.min(MOST, Math.max(1, Math.floor(examples.length / 4)));
  const left = new Map<string, number>();
  for (const example of examples) left.set(kind(example), (left.get(kind(example)) ?? 0) + 1);
  const held = new Set<Example>();
  const inOrder = examples
    .map((example) => ({ example, rank: sha256(canonicalJson(example)) }))
    .toSorted((a, b) => (a.rank < b.rank ? -1 : 1));
  for (const { example } of inOrder) {
    const others = left.get(kind(example)) ?? 0;
    if (held.size >= wanted || others < 2) continue;
    left.set(kind(example), others - 1);
    held.add(example);
  }
  return {
    shown: examples.filter((example) => !held.has(example)),
    held_back: examples.filter((example) => held.has(example)),
  };
}

function kind(example: Example): string {
  return `${example.tool ?? ""} ${example.compare === "error" ? "error" : "value"}`;
}
