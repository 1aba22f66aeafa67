import { DynamicStructuredTool, type StructuredToolInterface } from "@langchain/core/tools";
import type { RunnableConfig } from "@langchain/core/runnables";
import type { z } from "zod";
import type { ToolAnswer } from "./tool-answer.ts";

/** What a model sees of a tool. */
export interface LeafToolFields<Input> {
  readonly name: string;
  readonly description: string;
  readonly schema: z.ZodType<Input>;
}

/**
 * A LangChain tool whose body starts no other runnables. `tool()` carries the run's context into whatever its body
 * calls, tracing included, and that takes longer than a call of a skill. As there, whoever cancels gets the
 * cancellation and no answer.
 */
export function leafTool<Input>(
  fields: LeafToolFields<Input>,
  body: (input: Input, config?: RunnableConfig) => Promise<ToolAnswer>,
): StructuredToolInterface {
  return new DynamicStructuredTool({
    ...fields,
    responseFormat: "content_and_artifact",
    func: async (input: Input, _manager, config) => {
      const answer = await body(input, config);
      config?.signal?.throwIfAborted();
      return answer;
    },
  });
}
