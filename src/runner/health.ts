import type { Json } from "../base/json.ts";
import type { Deadline } from "./deadline.ts";
import { isMethodNotFound, type Launched } from "./launch.ts";

/**
 * What a process answers to `health`. One that has no such method is well when it answers at all.
 *
 * @throws {SkillError} what it says instead, or `timeout`: then it is gone
 */
export async function askHealth(
  { process, introduction }: Pick<Launched, "process" | "introduction">,
  deadline: Deadline,
): Promise<Json> {
  try {
    return (await process.exchange(`${introduction.prefix}health`, {}, { deadline })).value;
  } catch (error) {
    if (isMethodNotFound(error)) return { status: "ok" };
    throw error;
  }
}

/** Whether an answer to a health question means that all is well. Only a skill that says otherwise is not. */
export function isHealthy(answer: Json): boolean {
  if (answer === false) return false;
  if (typeof answer !== "object" || answer === null || Array.isArray(answer)) return true;
  const { status, ok } = answer as { readonly [key: string]: Json | undefined };
  if (ok === false) return false;
  return status === undefined || (typeof status === "string" && HEALTHY.test(status));
}

const HEALTHY = /^(?:ok|healthy|ready|up|pass)$/i;
