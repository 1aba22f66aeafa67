import { isGraphBubbleUp } from "@langchain/langgraph";
import { SkillError, type SkillErrorValue } from "../base/errors.ts";
import { beginning, visibleJson, withoutHostPaths } from "./untrusted-text.ts";

/** Characters of a tool's answer that a model reads; the whole of it is in the artifact. */
const MAX_CONTENT = 8_000;
/** Characters of an error's message and of its fix: both may be a stranger's. */
const MAX_ERROR = 2_000;

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
    return [shorten(visibleJson(content)), artifact];
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

/** What a model reads of an error: where this machine keeps its files is not in it. */
export function errorContent({ code, message, fix }: SkillErrorValue): string {
  const told = (text: string): string => withoutHostPaths(shorten(text, MAX_ERROR));
  return visibleJson({
    error: { code, message: told(message), ...(fix === undefined ? {} : { fix: told(fix) }) },
  });
}

function shorten(text: string, most: number = MAX_CONTENT): string {
  if (text.length <= most) return text;
  const kept = beginning(text, most);
  return `${kept} … ${text.length - kept.length} more characters are in the artifact`;
}

/** Whether a tool's schema refused the input. By its brand: the optional `langchain`, whose error it is, is not imported here. */
function wasRefused(error: unknown): error is { readonly toolError: unknown } {
  return typeof error === "object" && error !== null && "toolError" in error &&
    "~brand" in error && error["~brand"] === "ToolInvocationError";
}
