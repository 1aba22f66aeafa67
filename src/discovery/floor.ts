/** Of what lay below this cosine on the public sets, little served the request. */
const NEAR = 0.3;
/** Down to this one, words may speak for a document. */
const NEAR_WITH_WORDS = 0.2;
const MANY_WORDS = 0.5;

/**
 * Whether a document comes near enough to a query to be worth looking at. Measured on public sets, among twelve tools
 * none of which serves: nothing is shown for 52 to 75 requests of 100. What serves stays for 76 to 98 of 100 (a cosine
 * of 0.3 alone: 65 to 98), the lower figure where requests are chatter instead of a description of a task.
 *
 * @param cosine null when search is lexical only: then any shared word counts
 * @param lexical BM25 over the best BM25 of the query
 */
export function isRelated(cosine: number | null, lexical: number): boolean {
  if (cosine === null) return lexical > 0;
  return cosine >= NEAR || (cosine >= NEAR_WITH_WORDS && lexical >= MANY_WORDS);
}
