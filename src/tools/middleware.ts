import { isGraphBubbleUp } from "@langchain/langgraph";
import { type BaseMessage, ToolMessage } from "@langchain/core/messages";
import type { StructuredToolInterface } from "@langchain/core/tools";
import { type AgentMiddleware, createMiddleware } from "langchain";
import { z } from "zod";
import { modeAllows, requireMode } from "../operations/tool-mode.ts";
import type { OperationSkills } from "../operations/types.ts";
import { toolsOfSkill } from "./skill-tool.ts";
import { chooseSkills, skillsOfThread } from "./thread-skills.ts";
import { agentContext, skillTools, type SkillToolsOptions } from "./skill-tools.ts";
import { errorContent, errorValue } from "./tool-answer.ts";

/** Options of `skillMiddleware`. */
export interface SkillMiddlewareOptions extends SkillToolsOptions {
  /**
   * How found and made skills are called. `run_skill` (default): through that one tool, so the list of tools never
   * changes and prompt caches hold. `tools`: the best few for what the user asks, and each skill that this thread
   * found or made, become tools of their own, with their own schemas, added at the end of the list and never taken
   * away again, so that a prompt cache loses nothing that stood before them. At most 24 skills.
   */
  readonly expose?: "run_skill" | "tools";
  /** With `expose: "tools"`: how many skills each request of the user adds at most, before the agent looks. Default 3. */
  readonly best?: number;
}

const PROMPT =
  `You can use skills: small tested programs. When a task needs computing, parsing or converting that a
skill could do, call find_skills first.`;
const PROMPT_FULL = `${PROMPT} Run what fits. If nothing fits, call create_skill, then use the new skill.`;

const DEFAULT_BEST = 3;
const MOST_BEST = 20;

/** The underscore keeps it out of what a caller gives and gets. */
const THREAD_STATE = z.object({ _skillwright: z.array(z.string()).optional() });

interface ThreadState {
  readonly messages: readonly BaseMessage[];
  readonly _skillwright?: readonly string[] | undefined;
}

/** Tools that a narrower mode leaves out: a model that calls one all the same is told why it is not there. */
const NEED_FULL: ReadonlySet<string> = new Set(["run_skill", "create_skill"]);

/** Gives an agent of LangChain's `createAgent` skills: the tools, a short word in the system prompt, safe errors. */
export function skillMiddleware(
  skills: OperationSkills,
  options: SkillMiddlewareOptions = {},
): AgentMiddleware {
  const tools = skillTools(skills, options);
  const mode = options.mode ?? "read_only";
  const context = agentContext(skills, mode);
  const exposes = options.expose === "tools" && modeAllows(mode, "full");
  const best = options.best ?? DEFAULT_BEST;
  if (!Number.isInteger(best) || best < 0 || best > MOST_BEST) {
    throw new RangeError(`best must be a whole number from 0 to ${MOST_BEST}, not ${best}`);
  }
  const prompt = modeAllows(mode, "full") ? PROMPT_FULL : PROMPT;

  async function exposedTools(state: ThreadState): Promise<StructuredToolInterface[]> {
    if (!exposes) return [];
    const infos = new Map((await skills.library.list()).map((info) => [info.id, info]));
    const found = skillsOfThread(state._skillwright ?? [], state.messages).flatMap((id) => {
      const info = infos.get(id);
      return info === undefined ? [] : toolsOfSkill(context, info);
    });
    return unlessTaken(found, tools);
  }

  return createMiddleware({
    name: "SkillMiddleware",
    tools,
    stateSchema: THREAD_STATE,
    async beforeAgent({ messages, _skillwright: chosen = [] }) {
      if (!exposes) return undefined;
      // Kept with the thread: whatever becomes of the messages, what was chosen once stays in its place.
      return { _skillwright: await chooseSkills(context, chosen, messages, best) };
    },
    async wrapModelCall(request, handler) {
      if (tools.length === 0) return await handler(request);
      const added = unlessTaken(
        await exposedTools({ ...request.state, messages: request.messages }),
        request.tools,
      );
      return await handler({
        ...request,
        systemMessage: request.systemMessage.concat(
          request.systemMessage.text === "" ? prompt : `\n\n${prompt}`,
        ),
        tools: [...request.tools, ...added],
      });
    },
    async wrapToolCall(request, handler) {
      const { name, id = "" } = request.toolCall;
      try {
        if (request.tool !== undefined) return await handler(request);
        if (NEED_FULL.has(name)) requireMode(mode, "full", name);
        const added = await exposedTools(request.state);
        const tool = added.find((candidate) => candidate.name === name);
        return await handler(tool === undefined ? request : { ...request, tool });
      } catch (error) {
        // With any wrapToolCall in place a thrown error ends the whole run; the model should read it instead.
        if (isGraphBubbleUp(error)) throw error;
        const content = errorContent(errorValue(error, `"${name}" failed`));
        return new ToolMessage({ content, status: "error", name, tool_call_id: id });
      }
    },
  }) as AgentMiddleware;
}

/**
 * Those of `found` whose names nobody has: the first of two equal names stays. A tool of the agent's own is never
 * replaced by a skill of the same name; that skill is still there through `run_skill`.
 */
function unlessTaken(
  found: readonly StructuredToolInterface[],
  others: readonly { readonly name?: unknown }[],
): StructuredToolInterface[] {
  const taken = new Set(others.map(({ name }) => name));
  return found.filter(({ name }) => !taken.has(name) && taken.add(name));
}
