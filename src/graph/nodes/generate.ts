import { inspect } from "node:util";
import { AIMessage, type BaseMessage } from "@langchain/core/messages";
import { SkillError } from "../../base/errors.ts";
import type { GraphContext } from "../config.ts";
import { openRound } from "../maker-prompt.ts";
import { cut } from "../evidence.ts";
import { callsOf, normalizeReply, tokensOf } from "../maker-reply.ts";
import { freeId, scaffoldPackage } from "../scaffold.ts";
import type { StageWork } from "../stage-node.ts";
import type { Budget } from "../types.ts";
import { mayUseExisting, useExistingDefinition } from "../use-existing.ts";
import { writeToolDefinitions } from "../write-tools.ts";

/** One turn of the maker; without one, the template. */
export const generate: StageWork = async (context, state, { signal, emit }) => {
  if (context.model === null) {
    if (Object.keys(state.files).length > 0) return {};
    if (state.origin !== "") {
      throw new SkillError("invalid_input", "what was given to start from can only be read by a model", {
        fix: "name a chat model",
      });
    }
    const taken = new Set((await context.skills.library.list()).map((skill) => skill.id));
    return { files: scaffoldPackage({ id: freeId(state.intent, taken), description: state.intent }) };
  }
  const { max_tokens } = context.config;
  if (state.tokens >= max_tokens) {
    throw new SkillError(
      "budget_exceeded",
      `the maker used ${state.tokens} tokens, the limit is ${max_tokens}`,
      {
        fix: "raise generator.max_tokens",
        details: { budget: "tokens" satisfies Budget },
      },
    );
  }
  const sent = state.messages.length > 0 ? state.messages : openRound(state);
  const turn = state.turn + 1;
  const detail = `round ${state.round}, turn ${turn}`;
  emit({ kind: "turn", stage: "generate", status: "started", detail });
  const reply = await ask(context, sent, mayUseExisting(state), signal);
  const kept = normalizeReply(reply, state.turns + 1);
  const tokens = state.tokens + tokensOf(reply, sent);
  emit({ kind: "turn", stage: "generate", status: "finished", detail: `${detail}: ${said(kept)}`, tokens });
  return {
    messages: [...sent, kept],
    turn,
    turns: state.turns + 1,
    tokens,
  };
};

/** A reply in a few words. */
function said(reply: AIMessage): string {
  const calls = callsOf(reply).map(({ name }) => name);
  return calls.length === 0 ? "done" : cut(calls.join(", "), 200);
}

async function ask(
  { model, maker }: GraphContext,
  messages: readonly BaseMessage[],
  offersExisting: boolean,
  signal: AbortSignal | undefined,
): Promise<AIMessage> {
  const failed = (message: string, cause?: unknown): SkillError =>
    new SkillError("maker_failed", `the maker "${maker}" ${message}`, {
      cause,
      fix: "check the model's name, its key and its service, or take another model",
    });
  if (model?.bindTools === undefined) throw failed("cannot call tools");
  let reply: BaseMessage;
  try {
    const tools = [...writeToolDefinitions(), ...(offersExisting ? [useExistingDefinition()] : [])];
    // without the tag its words would appear among the agent's own in a chat
    const options = { tags: ["nostream"], ...(signal === undefined ? {} : { signal }) };
    reply = await model.bindTools(tools).invoke([...messages], options);
  } catch (error) {
    if (signal?.aborted === true) throw error;
    const reason = error instanceof Error ? error.message : inspect(error);
    throw failed(`could not be used: ${reason.slice(0, 500)}`, error);
  }
  if (!AIMessage.isInstance(reply)) throw failed("answered with something that is no reply");
  return reply;
}
