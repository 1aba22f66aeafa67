import { z } from "zod";
import { SkillError } from "../base/errors.ts";
import { requireMode } from "./tool-mode.ts";
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
  requireMode(context.mode ?? "full", operation.mode, operation.name);
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
