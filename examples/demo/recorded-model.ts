// Chat models that write down what another model says, and that say it again.
import { readFileSync } from "node:fs";
import { BaseChatModel, type BaseChatModelCallOptions } from "@langchain/core/language_models/chat_models";
import type { BaseLanguageModelInput } from "@langchain/core/language_models/base";
import { AIMessage, type AIMessageChunk, type BaseMessage, ToolMessage } from "@langchain/core/messages";
import type { ChatResult } from "@langchain/core/outputs";
import type { Runnable } from "@langchain/core/runnables";

/** One message of a recorded model. */
export interface RecordedMessage {
  readonly content: string;
  readonly tool_calls: readonly {
    readonly id: string;
    readonly name: string;
    readonly args: Record<string, unknown>;
  }[];
}

/** Who said what, in order. `source` says who played the model when it was recorded. */
export interface Recording {
  readonly source: string;
  readonly agent: RecordedMessage[];
  readonly maker: RecordedMessage[];
}

export function readRecording(file: URL): Recording {
  return JSON.parse(readFileSync(file, "utf8")) as Recording;
}

/** What a replay demands of a request before it says the recorded message; throws when the run took another course. */
export type ReplayCheck = (turn: number, request: readonly BaseMessage[], message: RecordedMessage) => void;

/** Says recorded messages, one a call. */
export class ReplayModel extends BaseChatModel {
  readonly #messages: readonly RecordedMessage[];
  readonly #check: ReplayCheck;
  #turn = 0;

  constructor(messages: readonly RecordedMessage[], check: ReplayCheck) {
    super({});
    this.#messages = messages;
    this.#check = check;
  }

  override _llmType(): string {
    return "recording";
  }

  override bindTools(): Runnable<BaseLanguageModelInput, AIMessageChunk, BaseChatModelCallOptions> {
    return this;
  }

  override _generate(request: BaseMessage[]): Promise<ChatResult> {
    const recorded = this.#messages[this.#turn];
    if (recorded === undefined) {
      throw new Error(`the recording ends after ${this.#turn} messages, this run asked for more`);
    }
    this.#check(this.#turn++, request, recorded);
    const message = new AIMessage({
      content: recorded.content,
      tool_calls: recorded.tool_calls.map((call) => ({ ...call })),
    });
    return Promise.resolve({ generations: [{ text: recorded.content, message }] });
  }
}

/** Told of each message of a model, and of what it was asked. */
export type Listener = (message: RecordedMessage, request: readonly BaseMessage[]) => void;

/** Passes calls on to a live model and tells of its messages. */
export function recorded(model: BaseChatModel, hear: Listener): BaseChatModel {
  return new Proxy(model, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== "function") return value;
      if (key === "bindTools") {
        return (...args: unknown[]) => recorded(value.apply(target, args) as BaseChatModel, hear);
      }
      if (key !== "invoke") return value.bind(target) as unknown;
      return async (...args: unknown[]) => {
        const message = await value.apply(target, args) as AIMessage;
        const calls = (message.tool_calls ?? []).map(({ id, name, args }) => ({ id: id ?? "", name, args }));
        hear({ content: message.text, tool_calls: calls }, args[0] as readonly BaseMessage[]);
        return message;
      };
    },
  });
}

/** Values that skills answered in this request, as text. */
export function toolValues(request: readonly BaseMessage[]): string[] {
  return request.filter((message) => ToolMessage.isInstance(message)).map(({ text }) => text);
}
