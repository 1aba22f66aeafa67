/** English words, and words of requests, that say nothing about what a document does. */
const STOP_WORDS: ReadonlySet<string> = new Set(
  ("a an and any are as at be been being but by can could did do does for from had has have having how i if in into " +
    "is it its just let like may me might my need of on or our please should so some such tell than that the their " +
    "them then there these they this those to use using want was we were what when where which while who why will " +
    "with would you your give given help show also about am get im id ill looking know provide").split(" "),
);

const NOT_WORD = /[^\p{L}\p{N}\p{M}]+/u;
/** Most words: nothing in them to split at. The general way costs four passes. */
const PLAIN_WORD = /^(?:[A-Z]?[a-z]+|[0-9]+)$/;
const MAX_JOINED = 20;

/** The words of a text in lower case: cut at everything but letters and digits, and at the borders of `camelCase` and `csv2json`. */
export function splitWords(text: string): string[] {
  return text.split(NOT_WORD).flatMap(splitIdentifier).map((word) => word.toLowerCase());
}

/** A name as a phrase a model can read: `FinanceTool` and `finance_tool` give `finance tool`. */
export function splitName(name: string): string {
  return splitWords(name).join(" ");
}

/**
 * The terms of the lexical index: words without stop words, stemmed, and the joined form of a short identifier, so
 * that "csv2json" is found both ways.
 */
export function lexicalTerms(text: string): string[] {
  const terms: string[] = [];
  for (const run of text.split(NOT_WORD)) {
    const parts = splitIdentifier(run);
    for (const part of parts) {
      const word = part.toLowerCase();
      if (!STOP_WORDS.has(word)) terms.push(stem(word));
    }
    if (parts.length > 1 && run.length <= MAX_JOINED) terms.push(stem(run.toLowerCase()));
  }
  return terms;
}

/** Takes English endings off (plural, ing, ed, final e). Light: only for comparing, not a word for people. */
export function stem(word: string): string {
  if (word.length < 4 || !/^[a-z]+$/.test(word)) return word;
  return withoutFinalE(withoutVerbEnding(withoutPlural(word)));
}

function withoutPlural(word: string): string {
  if (word.endsWith("ies") && word.length > 4) return `${word.slice(0, -3)}y`;
  if (/(?:s|x|z|ch|sh)es$/.test(word)) return word.slice(0, -2);
  if (word.endsWith("s") && !/(?:ss|us|is)$/.test(word)) return word.slice(0, -1);
  return word;
}

function withoutVerbEnding(word: string): string {
  const bare = word.endsWith("ing") && word.length > 5
    ? word.slice(0, -3)
    : word.endsWith("ed") && word.length > 4
    ? word.slice(0, -2)
    : word;
  if (bare === word || !/[aeiouy]/.test(bare)) return word;
  return /([bdfgklmnprt])\1$/.test(bare) ? bare.slice(0, -1) : bare;
}

function withoutFinalE(word: string): string {
  return word.endsWith("e") && word.length > 3 ? word.slice(0, -1) : word;
}

function splitIdentifier(run: string): string[] {
  if (run === "") return [];
  if (PLAIN_WORD.test(run)) return [run];
  return run
    .replace(/([\p{Ll}\p{N}])(\p{Lu})/gu, "$1 $2")
    .replace(/(\p{Lu})(\p{Lu}\p{Ll})/gu, "$1 $2")
    .replace(/(\p{L})(\p{N})/gu, "$1 $2")
    .replace(/(\p{N})(\p{L})/gu, "$1 $2")
    .split(" ");
}
