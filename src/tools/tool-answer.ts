import { isGraphBubbleUp } from "@langchain/langgraph";
import { SkillError, type SkillErrorValue } from "../base/errors.ts";

/** Characters of a tool's answer that a model reads; the whole of it is in the artifact. */
const MAX_CONTENT = 8_000;

/** What a LangChain tool of ours answers: short text for the model, everything for the program. */
export type ToolAnswer = [content: string, artifact: unknown];

/**
 * Runs the body of a tool so that a model can act on whatever happens: a value becomes JSON, an error becomes
 * `{ "error": { code, message, fix } }`. Only what LangGraph steers by (interrupts, commands) is thrown on: it is no
 * error, and as soon as any middleware wraps tool calls, everything else that is thrown would end the whole run.
 */
export async function answer(
  body: () => Promise<{ content: unknown; artifact: unknown }>,
): Promise<ToolAnswer> {
  try {
    const { content, artifact } = await body();
    return [shorten(JSON.stringify(content)), artifact];
  } catch (error) {
    if (isGraphBubbleUp(error)) throw error;
    const value = errorValue(error, "the tool failed");
    return [errorContent(value), { error: value }];
  }
}

/** Whatever was thrown, as plain data. Input that a tool's schema refused is `invalid_input`. */
export function errorValue(error: unknown, what: string): SkillErrorValue {
  const value = wasRefused(error)
    ? SkillError.from(error.toolError, "invalid_input", what)
    : SkillError.from(error, "tool_failed", what);
  return value.toValue();
}

/** What a model reads of an error. */
export function errorContent({ code, message, fix }: SkillErrorValue): string {
  return JSON.stringify({
    error: { code, message: shorten(message), ...(fix === undefined ? {} : { fix }) },
  });
}

function shorten(text: string): string {
  if (text.length <= MAX_CONTENT) return text;
  // half a surrogate pair would be no valid Unicode
  const kept = text.slice(0, MAX_CONTENT).replace(/[\uD800-\uDBFF]$/, "");
  return `${kept} … ${text.length - kept.length} more characters are in the artifact`;
}

/** Whether a tool's schema refused the input. By its brand: the optional `langchain`, whose error it is, is not imported here. */
function wasRefused(error: unknown): error is { readonly toolError: unknown } {
  return typeof error === "object" && error !== null && "toolError" in error &&
    "~brand" in error && error["~brand"] === "ToolInvocationError";
}
