import { splitWords, stem } from "./words.ts";

/**
 * Words that change nothing about what is asked for. Unlike the stop words of the index, words that join, negate or
 * point (`and`, `or`, `not`, `from`, `to`, `by`) are kept: "divisible by m or n" is not "divisible by m and n".
 */
const FILLER: ReadonlySet<string> = new Set(
  ("a an the this that these those please kindly can could would will you i we me my us our need want like help " +
    "write make create build give function method program script code python skill tool which is are be given some")
    .split(" "),
);

/** Words, numbers with their sign, and signs that are operators or units; a hyphen between words is punctuation. */
const TOKENS = /[-+]?\p{N}+(?:[.,:/]\p{N}+)*|[\p{L}\p{M}]+|(?<=\s)-+(?=\s)|[+*/%<>=^&|~$€£#@]+/gu;

/** Whether two texts say the same letter for letter, apart from case, spaces and punctuation. Empty texts never do. */
export function sameText(a: string, b: string): boolean {
  const plain = textKey(a);
  return plain !== "" && plain === textKey(b);
}

/**
 * The first trigger that asks for the same thing in nearly the same words: equal content words in equal order, equal
 * numbers. Such a skill is a strong candidate, to be verified by the caller's examples; it is not a match by itself.
 */
export function strongCandidate(intent: string, triggers: readonly string[]): string | undefined {
  const wanted = wordsKey(intent);
  return wanted === "" ? undefined : triggers.find((trigger) => wordsKey(trigger) === wanted);
}

/** What texts that say the same letter for letter have in common; empty where there is nothing to compare. */
export function textKey(text: string): string {
  return text.normalize("NFKC").toLowerCase().match(TOKENS)?.join(" ") ?? "";
}

/** What texts with the same content words in the same order have in common; empty where there are none. */
export function wordsKey(text: string): string {
  const words = (text.normalize("NFKC").match(TOKENS) ?? [])
    .flatMap((token) => /[^\p{L}\p{M}]/u.test(token) ? [token] : splitWords(token))
    .filter((word) => !FILLER.has(word));
  // "a function to find" asks for what "find" asks for.
  return (words[0] === "to" ? words.slice(1) : words).map(stem).join(" ");
}
