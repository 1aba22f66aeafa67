import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Json } from "../../src/base/json.ts";
import { SkillError, type SkillErrorCode } from "../../src/base/errors.ts";
import type { CallRequest, CallResult, Runner, SkillProgram } from "../../src/runner/types.ts";
import type { Answer, Attempt } from "./attack.ts";

/** What an act came to: its value, or its typed error. */
export type Outcome<Value> =
  | { readonly value: Value; readonly error?: undefined }
  | { readonly value?: undefined; readonly error: SkillError };

/** One way to try a case. */
export interface Trial<Value> {
  readonly name: string;
  readonly expected: Answer;
  readonly act: () => Promise<Value>;
  /** Whether it ended as it should. */
  readonly right: (outcome: Outcome<Value>) => boolean | Promise<boolean>;
  /** Whether it reached its aim. Looked at first. */
  readonly escaped?: (outcome: Outcome<Value>) => boolean | Promise<boolean>;
  /** The same act where it must succeed: whether it did. */
  readonly control: "not possible" | (() => boolean | Promise<boolean>);
}

/** Makes one attempt and its control. An error without a type is a failure of ours, whatever else came of it. */
export async function tryOne<Value>(trial: Trial<Value>): Promise<Attempt> {
  const { name, expected } = trial;
  const control = trial.control === "not possible" ? trial.control : await trial.control();
  let outcome: Outcome<Value>;
  try {
    outcome = await outcomeOf(trial.act);
  } catch (error) {
    return { name, answer: "failed", control, note: `an error without a type: ${String(error)}` };
  }
  const note = outcome.error === undefined
    ? `it gave ${show(outcome.value)}`
    : `${outcome.error.code}: ${outcome.error.message.slice(0, 300)}`;
  if (await trial.escaped?.(outcome) === true) return { name, answer: "escaped", control, note };
  return await trial.right(outcome)
    ? { name, answer: expected, control }
    : { name, answer: "failed", control, note };
}

/** Waits for an act. @throws what is not a `SkillError` */
export async function outcomeOf<Value>(act: () => Promise<Value>): Promise<Outcome<Value>> {
  try {
    return { value: await act() };
  } catch (error) {
    if (SkillError.isInstance(error)) return { error };
    throw error;
  }
}

/** Whether an act ended with one of these errors. */
export function endsWith(...codes: readonly SkillErrorCode[]): (outcome: Outcome<unknown>) => boolean {
  return ({ error }) => error !== undefined && codes.includes(error.code);
}

/** Whether an act ended well. */
export async function succeeds(act: () => Promise<unknown>): Promise<boolean> {
  return (await outcomeOf(act)).error === undefined;
}

/** Calls a function of a program. */
export async function call(
  runner: Runner,
  program: SkillProgram,
  tool: string,
  input: Json = {},
  request: Partial<CallRequest> = {},
): Promise<CallResult> {
  return await runner.call(program, { tool, input, ...request });
}

/** The text of a program in `fixtures/`. */
export function fixture(name: string): string {
  return readFileSync(fileURLToPath(new URL(`fixtures/${name}`, import.meta.url)), "utf8");
}

/** Waits until something holds, at most ten seconds. */
export async function eventually(condition: () => boolean | Promise<boolean>): Promise<boolean> {
  for (const end = Date.now() + 10_000; Date.now() < end;) {
    if (await condition()) return true;
    await sleep(20);
  }
  return false;
}

function show(value: unknown): string {
  return (JSON.stringify(value) ?? String(value)).slice(0, 300);
}
