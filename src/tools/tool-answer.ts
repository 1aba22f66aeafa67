import { isGraphInterrupt } from "@langchain/langgraph";
import { SkillError } from "../base/errors.ts";

/** Bytes of a tool's answer that a model reads; the whole of it is in the artifact. */
const MAX_CONTENT = 8_000;

/** What a LangChain tool of ours answers: short text for the model, everything for the program. */
export type ToolAnswer = [content: string, artifact: unknown];

/**
 * Runs the body of a tool so that a model can act on whatever happens: a value becomes JSON, an error becomes
 * `{ "error": { code, message, fix } }`. Only graph interrupts are thrown on: they are no errors, and as soon as any
 * middleware wraps tool calls, everything else that is thrown would end the whole run.
 */
export async function answer(
  body: () => Promise<{ content: unknown; artifact: unknown }>,
): Promise<ToolAnswer> {
  try {
    const { content, artifact } = await body();
    return [shorten(typeof content === "string" ? content : JSON.stringify(content)), artifact];
  } catch (error) {
    if (isGraphInterrupt(error)) throw error;
    const { code, message, fix } = SkillError.from(error, "tool_failed", "the tool failed").toValue();
    return [
      JSON.stringify({ error: { code, message: shorten(message), ...(fix === undefined ? {} : { fix }) } }),
      { error },
    ];
  }
}

function shorten(text: string): string {
  if (text.length <= MAX_CONTENT) return text;
  return `${text.slice(0, MAX_CONTENT)} … ${text.length - MAX_CONTENT} more characters are in the artifact`;
}
