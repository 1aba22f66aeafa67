import { AIMessage, type BaseMessage, HumanMessage, SystemMessage } from "@langchain/core/messages";
import { z } from "zod";
import { SkillError } from "../base/errors.ts";
import { checkExamples } from "../lifecycle/validation/examples.ts";
import type { Finding } from "../manifest/types.ts";
import type { GraphContext } from "./config.ts";
import { cut } from "./evidence.ts";
import { tokensOf } from "./maker-reply.ts";
import { VERIFIER_PROMPT } from "./prompts/verifier.ts";
import type { SkillGraphState } from "./state.ts";
import type { Budget } from "./types.ts";
import type { Example, ExampleResult } from "../lifecycle/test-report.ts";

const BOUNDS = { checks: 12, text: 16_000, value: 300 };

/** What the verifier is asked for. Input and output stay open: not every provider takes the schema of JSON itself. */
const reply = z.object({
  checks: z.array(z.object({
    tool: z.string().optional().describe("default: the default tool"),
    input: z.unknown(),
    expected: z.unknown().optional(),
    expected_error: z.boolean().optional().describe("true: the call must be refused with an error"),
  })).max(BOUNDS.checks),
});

/** What came of asking. */
export interface Verification {
  readonly checks: readonly Example[];
  readonly tokens: number;
  /** Says so when there are no checks because the verifier could not be used. */
  readonly findings: readonly Finding[];
}

/**
 * Has another model write checks from the intent and the interface. What it writes is a second opinion: that it cannot
 * be used, or writes nonsense, ends nothing.
 *
 * @throws {SkillError} `budget_exceeded`
 */
export async function askVerifier(
  { config }: Pick<GraphContext, "config">,
  { model, name }: NonNullable<GraphContext["verifier"]>,
  state: SkillGraphState,
  signal: AbortSignal | undefined,
): Promise<Verification> {
  if (state.tokens >= config.max_tokens) {
    throw new SkillError(
      "budget_exceeded",
      `${state.tokens} tokens were used, the limit is ${config.max_tokens}`,
      {
        fix: "raise generator.max_tokens",
        details: { budget: "tokens" satisfies Budget },
      },
    );
  }
  const sent = [new SystemMessage(VERIFIER_PROMPT), new HumanMessage(describe(state))];
  try {
    const answer = await ask(model, sent, signal);
    return { checks: readChecks(answer), tokens: tokensOf(answer, sent), findings: [] };
  } catch (error) {
    if (signal?.aborted === true) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    const finding: Finding = {
      severity: "warning",
      rule: "graph/verifier",
      message: `the verifier "${name}" could not be used: ${cut(reason, BOUNDS.value)}`,
    };
    return { checks: [], tokens: 0, findings: [finding] };
  }
}

/** Where the skill answers otherwise than the verifier expects, for the person who decides. */
export function disagreements(failed: readonly ExampleResult[]): readonly Finding[] {
  return failed.map(({ example, got, error }): Finding => ({
    severity: "warning",
    rule: "graph/verifier",
    message: `the verifier expects ${
      example.compare === "error" ? "an error" : shown(example.expected)
    } for ${shown(example.input)}, it ${
      error === undefined ? `answers ${shown(got)}` : `fails: ${cut(error.message, 200)}`
    }`,
    fix: "see which of the two is right",
  }));
}

async function ask(
  model: NonNullable<GraphContext["verifier"]>["model"],
  messages: readonly BaseMessage[],
  signal: AbortSignal | undefined,
): Promise<AIMessage> {
  if (model.bindTools === undefined) throw new Error("it cannot call tools");
  const { $schema: _, ...parameters } = z.toJSONSchema(reply);
  const definition = {
    type: "function",
    function: { name: "write_checks", description: "Write the checks", parameters },
  };
  const options = { tags: ["nostream"], ...(signal === undefined ? {} : { signal }) };
  const answer = await model.bindTools([definition]).invoke([...messages], options);
  if (!AIMessage.isInstance(answer)) throw new Error("it answered with something that is no reply");
  return answer;
}

/** Checks that can be run; one that makes no sense is left out. */
function readChecks(answer: AIMessage): readonly Example[] {
  const parsed = reply.safeParse(answer.tool_calls?.[0]?.args);
  if (!parsed.success) throw new Error("it wrote no checks");
  return parsed.data.checks.flatMap(({ tool, input, expected, expected_error = false }) => {
    const told = expected_error ? { compare: "error" } : { expected, compare: "approx" };
    if (!expected_error && expected === undefined) return [];
    try {
      return checkExamples([{ ...(tool === undefined ? {} : { tool }), input, ...told }]);
    } catch (error) {
      if (SkillError.isInstance(error)) return [];
      throw error;
    }
  });
}

function describe({ intent, shown: examples, checked }: SkillGraphState): string {
  const { tools, default_tool: chosen, description } = checked?.manifest ?? { tools: [], description: "" };
  const interfaces = tools.map(({ name, description: does, input_schema, output_schema }) =>
    JSON.stringify({ name, description: does, input_schema, output_schema })
  );
  return cut(
    [
      `The intent:\n${intent}`,
      `The program says of itself: ${description}`,
      `Its tools${chosen === undefined ? "" : ` (default: ${chosen})`}:\n${
        interfaces.join("\n") || "invoke"
      }`,
      examples.length === 0
        ? ""
        : `Examples that it passes:\n${examples.map((one) => JSON.stringify(one)).join("\n")}`,
    ].filter((part) => part !== "").join("\n\n"),
    BOUNDS.text,
  );
}

function shown(value: unknown): string {
  return cut(JSON.stringify(value) ?? "nothing", BOUNDS.value);
}
