// What must be true of this very run before a recorded message may be said.
import { HumanMessage } from "@langchain/core/messages";
import type { ExampleResult } from "skillwright";
import { type ReplayCheck, toolValues } from "./recorded-model.ts";

/** An answer in words may only be said when the tool gave its number in this run. */
export const agentCheck: ReplayCheck = (_turn, request, message) => {
  if (message.tool_calls.length > 0) return;
  const values = toolValues(request).join("\n");
  const numbers = message.content.replaceAll(",", "").match(/\d{3,}/g) ?? [];
  const strange = numbers.find((number) => !values.includes(number));
  if (strange === undefined && numbers.length > 0) return;
  throw new Error(`the recording says ${strange ?? "no number"}, but no skill answered that in this run`);
};

/**
 * The repair may only be said when the request holds the evidence of this very run: each shown example that failed,
 * with its input and the value that came.
 */
export function makerCheck(failures: readonly ExampleResult[]): ReplayCheck {
  return (_turn, request) => {
    const asked = request.filter((message) => HumanMessage.isInstance(message)).map(({ text }) => text).join(
      "\n",
    );
    if (failures.length === 0) return;
    const told = failures.filter(({ example, got }) =>
      asked.includes(JSON.stringify(example.input)) && asked.includes(`got: ${JSON.stringify(got)}`)
    );
    if (told.length === 0) throw new Error("the request for a repair does not hold what failed in this run");
  };
}
