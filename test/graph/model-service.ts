import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { ScriptedCall } from "./scripted-maker.ts";

/** A reply: calls of tools, or a text. */
type Reply = string | readonly ScriptedCall[];

interface Asked {
  readonly tools: readonly { readonly function: { readonly name: string } }[];
  readonly messages: readonly {
    readonly role: string;
    readonly content: unknown;
    readonly tool_call_id?: string;
  }[];
}

/** A chat model's service, as OpenAI's. */
export interface ModelService {
  readonly baseURL: string;
  /** What it was asked, in order. */
  readonly asked: readonly Asked[];
  readonly close: () => void;
}

/** Starts a chat model's service that answers turn by turn; a turn may be waited for. */
export async function startModelService(
  turns: readonly (Reply | (() => Promise<Reply>))[],
): Promise<ModelService> {
  const asked: Asked[] = [];
  const answer = async (body: string): Promise<string> => {
    asked.push(JSON.parse(body) as Asked);
    const turn = turns[asked.length - 1] ?? "";
    const message = messageOf(typeof turn === "function" ? await turn() : turn);
    const usage = { prompt_tokens: 100, completion_tokens: 10, total_tokens: 110 };
    const choices = [{ index: 0, message, finish_reason: "stop" }];
    return JSON.stringify({ id: "1", object: "chat.completion", model: "m", choices, usage });
  };
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => (body += String(chunk)));
    request.on("end", () => {
      response.setHeader("content-type", "application/json");
      void answer(body).then((text) => response.end(text));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const close = (): void => {
    server.close();
    server.closeAllConnections();
  };
  return { baseURL: `http://127.0.0.1:${port}/v1`, asked, close };
}

function messageOf(reply: Reply): object {
  return typeof reply === "string"
    ? { role: "assistant", content: reply }
    : { role: "assistant", content: null, tool_calls: reply.map(toWire) };
}

function toWire({ name, args }: ScriptedCall, index: number): object {
  return { id: `call_${index}`, type: "function", function: { name, arguments: JSON.stringify(args) } };
}
