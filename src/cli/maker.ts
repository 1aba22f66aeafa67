import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { SkillError } from "../base/errors.ts";
import type { OperationContext } from "../operations/types.ts";

/**
 * The chat model named on the command line as `provider:name`, through LangChain's `initChatModel`.
 *
 * @throws {SkillError} `maker_failed`, saying which package to install
 */
export async function makerByName(
  name: string | undefined,
): Promise<NonNullable<OperationContext["maker"]> | undefined> {
  if (name === undefined) return undefined;
  if (!/^[\w-]+:.+$/.test(name)) {
    throw new SkillError("invalid_input", `"${name}" is not a model`, {
      fix: "write provider:name, like openai:gpt-5",
    });
  }
  try {
    const { initChatModel } = await import("langchain");
    return { model: await initChatModel(name) as unknown as BaseChatModel, name };
  } catch (error) {
    const provider = name.slice(0, name.indexOf(":"));
    throw new SkillError("maker_failed", `the model "${name}" cannot be used: ${(error as Error).message}`, {
      cause: error,
      fix: `install "langchain" and "@langchain/${provider}", and give its key in the environment`,
    });
  }
}
