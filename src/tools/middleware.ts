import { isGraphInterrupt } from "@langchain/langgraph";
import { type BaseMessage, ToolMessage } from "@langchain/core/messages";
import type { StructuredToolInterface } from "@langchain/core/tools";
import { type AgentMiddleware, createMiddleware } from "langchain";
import { SkillError } from "../base/errors.ts";
import type { OperationSkills } from "../operations/types.ts";
import { toolsOfSkill } from "./skill-tool.ts";
import { agentContext, skillTools, type SkillToolsOptions } from "./skill-tools.ts";

/** Options of `skillMiddleware`. */
export interface SkillMiddlewareOptions extends SkillToolsOptions {
  /**
   * How found and made skills are called. `run_skill` (default): through that one tool, so the list of tools never
   * changes and prompt caches hold. `tools`: each skill that this thread found or made becomes a tool of its own,
   * with its own schema, added at the end of the list and never taken away again.
   */
  readonly expose?: "run_skill" | "tools";
}

const PROMPT =
  `You can use skills: small tested programs. When a task needs computing, parsing or converting that a
skill could do, call find_skills first. Run what fits. If nothing fits, call create_skill, then use the new skill.`;

/** Gives an agent of LangChain's `createAgent` skills: the tools, a short word in the system prompt, safe errors. */
export function skillMiddleware(
  skills: OperationSkills,
  options: SkillMiddlewareOptions = {},
): AgentMiddleware {
  const tools = skillTools(skills, options);
  const exposes = options.expose === "tools" && options.mode === "full";
  const context = agentContext(skills, options.mode ?? "read_only");

  async function exposedTools(messages: readonly BaseMessage[]): Promise<StructuredToolInterface[]> {
    if (!exposes) return [];
    const infos = new Map((await skills.library.list()).map((info) => [info.id, info]));
    return skillsOfThread(messages).flatMap((id) => {
      const info = infos.get(id);
      return info?.status === "active" ? toolsOfSkill(context, info) : [];
    });
  }

  return createMiddleware({
    name: "SkillMiddleware",
    tools,
    async wrapModelCall(request, handler) {
      if (tools.length === 0) return await handler(request);
      const added = await exposedTools(request.messages);
      return await handler({
        ...request,
        systemMessage: request.systemMessage.concat(
          request.systemMessage.text === "" ? PROMPT : `\n\n${PROMPT}`,
        ),
        tools: [...request.tools, ...added],
      });
    },
    async wrapToolCall(request, handler) {
      try {
        if (request.tool !== undefined) return await handler(request);
        const added = await exposedTools(request.state.messages);
        const tool = added.find(({ name }) => name === request.toolCall.name);
        return await handler(tool === undefined ? request : { ...request, tool });
      } catch (error) {
        // With any wrapToolCall in place a thrown error ends the whole run; the model should read it instead.
        if (isGraphInterrupt(error)) throw error;
        const { code, message, fix } = SkillError.from(
          error,
          "tool_failed",
          `"${request.toolCall.name}" failed`,
        );
        return new ToolMessage({
          content: JSON.stringify({ error: { code, message, fix } }),
          status: "error",
          name: request.toolCall.name,
          tool_call_id: request.toolCall.id ?? "",
        });
      }
    },
  }) as AgentMiddleware;
}

/** Skills that this thread found or made, in the order in which they first appeared: stable and sticky. */
function skillsOfThread(messages: readonly BaseMessage[]): string[] {
  const ids = new Set<string>();
  for (const message of messages) {
    if (!ToolMessage.isInstance(message)) continue;
    const artifact = message.artifact as {
      matches?: { id: string }[];
      skill?: { id: string };
      skill_id?: string;
    } | undefined;
    if (message.name === "find_skills") artifact?.matches?.forEach(({ id }) => ids.add(id));
    if (message.name === "create_skill") {
      const id = artifact?.skill?.id ?? artifact?.skill_id;
      if (id !== undefined) ids.add(id);
    }
  }
  return [...ids];
}
