import { BaseChatModel, type BaseChatModelCallOptions } from "@langchain/core/language_models/chat_models";
import type { BaseLanguageModelInput } from "@langchain/core/language_models/base";
import { AIMessage, type AIMessageChunk, type BaseMessage } from "@langchain/core/messages";
import type { ChatResult } from "@langchain/core/outputs";
import type { Runnable } from "@langchain/core/runnables";
import type { PackageFiles } from "../../src/lifecycle/packages/package-text.ts";

/** A maker that takes no time: it writes one version after the other, each in one turn, tries it, and says so. */
export class InstantMaker extends BaseChatModel {
  readonly #replies: AIMessage[];

  constructor(versions: readonly PackageFiles[], { tries }: { readonly tries: boolean }) {
    super({});
    this.#replies = versions.flatMap((files, version) => [
      new AIMessage({
        content: "",
        tool_calls: calls(files, tries).map((call, n) => ({ ...call, id: `${version}_${n}` })),
      }),
      new AIMessage("done"),
    ]);
  }

  override _llmType(): string {
    return "instant";
  }

  override bindTools(): Runnable<BaseLanguageModelInput, AIMessageChunk, BaseChatModelCallOptions> {
    return this;
  }

  override _generate(_request: BaseMessage[]): Promise<ChatResult> {
    const message = this.#replies.shift();
    if (message === undefined) throw new Error("asked once more than there are replies");
    return Promise.resolve({ generations: [{ text: message.text, message }] });
  }
}

function calls(
  files: PackageFiles,
  tries: boolean,
): { readonly name: string; readonly args: Record<string, unknown> }[] {
  const written = Object.entries(files).map(([path, content]) => ({
    name: "write_skill_file",
    args: { path, content } as Record<string, unknown>,
  }));
  return tries ? [...written, { name: "run_tests", args: {} }] : written;
}
