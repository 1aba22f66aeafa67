import { isObject } from "../base/json.ts";
import { AIMessage, type BaseMessage, type UsageMetadata } from "@langchain/core/messages";
import { cut } from "./evidence.ts";

/** Bounds of one reply as it is kept: what a maker says is sent back to it, and stored with the state. */
export const REPLY_BOUNDS: { readonly text: number; readonly calls: number; readonly arguments: number } = {
  /** Characters of text. */
  text: 16_000,
  calls: 16,
  /** Characters of one call's arguments; more is not even looked at. */
  arguments: 300_000,
};

/** The one key of arguments that could not be read; its value says why. */
export const ARGUMENT_PROBLEM = "argument_problem";

/** A call as the tools node carries it out. */
export interface MakerCall {
  readonly id: string;
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
}

/**
 * The maker's reply in a form that can be sent back to any provider: each call has an id of its own, a call whose
 * arguments were not JSON is one with empty arguments (so that it can be answered), text and arguments are bounded.
 * A reply that is well formed and small stays the object it was, reasoning blocks and all.
 */
export function normalizeReply(reply: AIMessage, turn: number): AIMessage {
  const given = [
    ...(reply.tool_calls ?? []),
    ...(reply.invalid_tool_calls ?? []).map(({ id, name }) => ({
      id,
      name: name ?? "",
      args: problem("are not JSON"),
    })),
  ];
  const seen = new Set<string>();
  const calls = given.slice(0, REPLY_BOUNDS.calls).map((call, index) => {
    const id = call.id !== undefined && call.id !== "" && !seen.has(call.id)
      ? call.id
      : `call_${turn}_${index}`;
    seen.add(id);
    const args = isObject(call.args) ? bounded(call.args) : {};
    return { type: "tool_call" as const, id, name: toolName(call.name), args };
  });
  const unchanged = (reply.invalid_tool_calls ?? []).length === 0 &&
    sizeOf(reply) <= REPLY_BOUNDS.arguments &&
    calls.length === given.length &&
    calls.every((call, index) =>
      call.id === given[index]?.id && call.name === given[index]?.name && call.args === given[index]?.args
    );
  if (unchanged) return reply;
  return new AIMessage({
    content: cut(reply.text, REPLY_BOUNDS.text),
    tool_calls: calls,
    ...(reply.usage_metadata === undefined ? {} : { usage_metadata: reply.usage_metadata }),
  });
}

/** The calls of a normalised reply. */
export function callsOf(reply: BaseMessage | undefined): readonly MakerCall[] {
  if (reply === undefined || !AIMessage.isInstance(reply)) return [];
  return (reply.tool_calls ?? []).map(({ id = "", name, args }) => ({ id, name, args }));
}

/** Tokens of a call, as reported; where nothing is, a quarter of the characters sent and got. */
export function tokensOf(reply: AIMessage, sent: readonly BaseMessage[]): number {
  const usage = reply.usage_metadata as UsageMetadata | undefined; // the class types it as never
  const reported = usage?.total_tokens ?? 0;
  if (reported > 0) return reported;
  const characters = sent.reduce((sum, message) => sum + sizeOf(message), sizeOf(reply));
  return Math.ceil(characters / 4);
}

function sizeOf(message: BaseMessage): number {
  const content = typeof message.content === "string"
    ? message.content.length
    : JSON.stringify(message.content).length;
  const calls = AIMessage.isInstance(message) ? JSON.stringify(message.tool_calls ?? []).length : 0;
  return content + calls;
}

function bounded(args: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const size = JSON.stringify(args).length;
  if (size <= REPLY_BOUNDS.arguments) return args;
  return problem(`are ${size} characters long, the limit is ${REPLY_BOUNDS.arguments}`);
}

/** Stands for arguments that cannot be kept as they came. */
function problem(what: string): Readonly<Record<string, unknown>> {
  return { [ARGUMENT_PROBLEM]: what };
}

/** Providers refuse a history with a name outside these characters. */
function toolName(name: string): string {
  return name.replace(/[^a-zA-Z0-9_-]/g, "_").slice(0, 64) || "unnamed";
}
