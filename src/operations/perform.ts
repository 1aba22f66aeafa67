import { z } from "zod";
import { SkillError } from "../base/errors.ts";
import { modeAllows } from "./tool-mode.ts";
import type { Operation, OperationContext } from "./types.ts";

/**
 * Runs an operation: mode, input, handler, in this order.
 *
 * @throws {SkillError} `mode_denied`, `invalid_input`, or what the operation says
 */
export async function perform<Input, Output>(
  operation: Operation<Input, Output>,
  context: OperationContext,
  input: unknown,
): Promise<Output> {
  const given = context.mode ?? "full";
  if (!modeAllows(given, operation.mode)) {
    throw new SkillError(
      "mode_denied",
      `"${operation.name}" needs tool mode "${operation.mode}", the mode is "${given}"`,
      {
        fix: `let the host open skills with mode "${operation.mode}"`,
        details: { operation: operation.name, mode: given, needed: operation.mode },
      },
    );
  }
  const parsed = operation.input.safeParse(input);
  if (!parsed.success) {
    throw new SkillError(
      "invalid_input",
      `"${operation.name}" got input that does not fit: ${z.prettifyError(parsed.error)}`,
      {
        details: {
          issues: parsed.error.issues.map(({ path, message }) => ({ path: path.join("."), message })),
        },
      },
    );
  }
  return await operation.handler(context, parsed.data);
}
