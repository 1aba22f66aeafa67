import { SkillError } from "../base/errors.ts";
import { checkExamples } from "../lifecycle/validation/examples.ts";
import { intentOf, readSource } from "./source/read-source.ts";
import type { GenerateRequest, SkillSource } from "./types.ts";
import type { Example } from "../lifecycle/test-report.ts";

/** Bounds of a request. */
export const REQUEST_BOUNDS: { readonly intent: number; readonly examples: number; readonly json: number } = {
  /** Characters. */
  intent: 8_000,
  examples: 200,
  /** Characters of all examples as JSON. */
  json: 256_000,
};

/**
 * Checks what a caller asks for.
 *
 * @throws {SkillError} `invalid_intent` for an empty or endless intent, `invalid_input` for examples that are none
 */
export function readRequest(
  given: { readonly intent?: unknown; readonly examples?: unknown; readonly source?: unknown },
): Omit<Required<GenerateRequest>, "source"> & { readonly source: SkillSource | null } {
  const source = readSource(given.source ?? null);
  const said = typeof given.intent === "string" ? given.intent.trim() : "";
  const intent = said === "" && source !== null ? intentOf(source) : said;
  if (intent === "" || !/[\p{L}\p{N}]/u.test(intent)) {
    throw new SkillError(
      "invalid_intent",
      `the intent ${JSON.stringify(given.intent ?? null)?.slice(0, 80)} says nothing`,
      {
        fix: "say in plain words what the skill must do, with which input and which output",
      },
    );
  }
  if (intent.length > REQUEST_BOUNDS.intent) {
    throw new SkillError(
      "invalid_intent",
      `the intent is ${intent.length} characters long, the limit is ${REQUEST_BOUNDS.intent}`,
    );
  }
  return { intent, examples: readExamples(given.examples ?? []), source };
}

function readExamples(given: unknown): readonly Example[] {
  if (!Array.isArray(given) || given.length > REQUEST_BOUNDS.examples) {
    throw new SkillError("invalid_input", `examples must be a list of at most ${REQUEST_BOUNDS.examples}`);
  }
  const examples = checkExamples(given);
  if (JSON.stringify(examples).length > REQUEST_BOUNDS.json) {
    throw new SkillError("invalid_input", `the examples are longer than ${REQUEST_BOUNDS.json} characters`);
  }
  return examples;
}
