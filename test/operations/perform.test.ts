import { expect, test } from "vitest";
import { z } from "zod";
import { perform } from "../../src/operations/perform.ts";
import { modeAllows, TOOL_MODES } from "../../src/operations/tool-mode.ts";
import type { Operation, OperationContext, OperationSkills } from "../../src/operations/types.ts";

const calls: number[] = [];
const double: Operation<{ number: number }, number> = {
  name: "double",
  description: "Twice the number",
  mode: "read_write",
  input: z.object({ number: z.number() }),
  handler: (_context, { number }) => {
    calls.push(number);
    return Promise.resolve(number * 2);
  },
};
// this operation looks at no home
const context: OperationContext = { skills: {} as OperationSkills, actor: { via: "code" } };

test("perform answers what the operation answers when mode and input are right", async () => {
  for (const mode of ["read_write", "full"] as const) {
    expect(await perform(double, { ...context, mode }, { number: 21 })).toBe(42);
  }
  expect(await perform(double, context, { number: 4 })).toBe(8);
});

test("perform denies a narrower mode before it looks at the input", async () => {
  for (const mode of ["off", "read_only"] as const) {
    const denied = perform(double, { ...context, mode }, "not even an object");
    await expect(denied).rejects.toMatchObject({
      code: "mode_denied",
      message: `"double" needs tool mode "read_write", the mode is "${mode}"`,
      details: { operation: "double", mode, needed: "read_write" },
    });
  }
});

test("perform does not call the operation when the input does not fit, and says where", async () => {
  calls.length = 0;
  await expect(perform(double, context, { number: "21" })).rejects.toMatchObject({
    code: "invalid_input",
    message: expect.stringContaining('"double"'),
    details: { issues: [{ path: "number", message: expect.any(String) }] },
  });
  expect(calls).toEqual([]);
});

test("modes are a ladder when they are compared", () => {
  const allowed = TOOL_MODES.map((given) => TOOL_MODES.filter((needed) => modeAllows(given, needed)).length);
  expect(allowed).toEqual([1, 2, 3, 4]);
});
