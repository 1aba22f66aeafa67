import type { Json } from "../../base/json.ts";
import type { Deadline } from "../limits/deadline.ts";
import type { SkillProgram } from "../types.ts";
import { invokeParams } from "./invoke.ts";
import { isMethodNotFound, type Launched } from "./launch.ts";

/**
 * What a program answers when it is asked how it is: by the tool that it has for that, else to `health`. One that has
 * no such method is well when it answers at all. One that does not answer in time has failed.
 *
 * @throws {SkillError} what it says instead, or `timeout`: then it is gone
 */
export async function askHealth(
  launched: Launched,
  program: SkillProgram,
  deadline: Deadline,
): Promise<Json> {
  const { process, introduction } = launched, { health: tool } = program;
  const exchange = { deadline, mustAnswer: true };
  if (tool !== undefined) {
    const params = invokeParams(launched, program, { tool, input: {} });
    return (await process.exchange("invoke", params, exchange)).value;
  }
  try {
    return (await process.exchange(`${introduction.prefix}health`, {}, exchange)).value;
  } catch (error) {
    if (isMethodNotFound(error)) return { status: "ok" };
    throw error;
  }
}

/** Whether an answer to a health question means that all is well: any other status than `ok` or `healthy` does not. */
export function isHealthy(answer: Json): boolean {
  if (answer === false) return false;
  if (typeof answer === "string") return HEALTHY.test(answer);
  if (typeof answer !== "object" || answer === null || Array.isArray(answer)) return true;
  const { status, ok } = answer as { readonly [key: string]: Json | undefined };
  if (ok === false) return false;
  return status === undefined || (typeof status === "string" && HEALTHY.test(status));
}

const HEALTHY = /^(?:ok|healthy)$/i;
