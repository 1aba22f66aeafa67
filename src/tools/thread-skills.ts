import { type BaseMessage, HumanMessage, ToolMessage } from "@langchain/core/messages";
import { perform } from "../operations/perform.ts";
import { search } from "../operations/search.ts";
import type { OperationContext } from "../operations/types.ts";

/** More tools than this make a model choose badly; further skills are still there through `run_skill`. */
const MOST = 24;
const MAX_REQUEST = 4_000;

/**
 * The skills that a thread has as tools: first those that were chosen before, in their order, then what was found or
 * made since. A skill that is once among them stays, so the list of tools only grows at its end.
 *
 * @param chosen ids kept with the thread
 */
export function skillsOfThread(chosen: readonly string[], messages: readonly BaseMessage[]): string[] {
  return [...new Set([...chosen, ...messages.flatMap(skillsOfMessage)])].slice(0, MOST);
}

/** Adds the best active skills for what the user asked for last, at most `best`. */
export async function chooseSkills(
  context: OperationContext,
  chosen: readonly string[],
  messages: readonly BaseMessage[],
  best: number,
): Promise<string[]> {
  const before = skillsOfThread(chosen, messages);
  const request = messages.findLast((message) => HumanMessage.isInstance(message))?.text.trim() ?? "";
  if (best === 0 || request === "") return before;
  const query = request.slice(0, MAX_REQUEST);
  const { matches } = await perform(search, context, { query, limit: best, related_only: true });
  return [...new Set([...before, ...matches.map(({ id }) => id)])].slice(0, MOST);
}

/** Skills that a message found or made. */
function skillsOfMessage(message: BaseMessage): string[] {
  if (!ToolMessage.isInstance(message)) return [];
  const artifact = message.artifact as {
    matches?: { id: string }[];
    skill?: { id: string };
    skill_id?: string;
  } | undefined;
  if (message.name === "find_skills") return artifact?.matches?.map(({ id }) => id) ?? [];
  const made = message.name === "create_skill" ? artifact?.skill?.id ?? artifact?.skill_id : undefined;
  return made === undefined ? [] : [made];
}
