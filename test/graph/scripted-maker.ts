import { AIMessage, type BaseMessage } from "@langchain/core/messages";
import { type FakeBuiltModel, fakeModel } from "@langchain/core/testing";

/** One call of a tool, as a scripted maker makes it. */
export interface ScriptedCall {
  readonly name: string;
  readonly args: Record<string, unknown>;
}

/** One reply: a list of calls, a text without calls, a message, or what is made of the messages sent. */
export type ScriptedTurn =
  | readonly ScriptedCall[]
  | string
  | AIMessage
  | ((messages: BaseMessage[]) => BaseMessage | Error);

/** A maker that answers turn by turn: a list of calls is a turn with tools, a text one without. */
export function scriptedMaker(
  ...turns:
    (readonly ScriptedCall[] | string | AIMessage | ((messages: BaseMessage[]) => BaseMessage | Error))[]
): FakeBuiltModel {
  const model = fakeModel();
  for (const [number, turn] of turns.entries()) {
    if (typeof turn === "string") model.respond(new AIMessage(turn));
    else if (typeof turn === "function" || AIMessage.isInstance(turn)) model.respond(turn);
    else model.respond(toolTurn(turn, number));
  }
  return model;
}

/** Calls that write files. */
export function writes(files: Readonly<Record<string, string>>): readonly ScriptedCall[] {
  return Object.entries(files).map(([path, content]) => ({
    name: "write_skill_file",
    args: { path, content },
  }));
}

/** Everything the maker was sent in one call, as text. */
export function sentText(messages: readonly BaseMessage[]): string {
  return messages.map((message) => message.text).join("\n");
}

function toolTurn(turn: readonly ScriptedCall[], number: number): AIMessage {
  const tool_calls = turn.map(({ name, args }, index) => ({ name, args, id: `call_${number}_${index}` }));
  return new AIMessage({ content: "", tool_calls });
}
