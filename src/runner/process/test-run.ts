import { SkillError } from "../../base/errors.ts";
import type { Json } from "../../base/json.ts";
import { Deadline } from "../limits/deadline.ts";
import type { TestCase } from "../types.ts";
import type { Launched } from "./launch.ts";

/** Cases kept of one run; the runner inside stops there too. */
const MAX_CASES = 1000;

/**
 * Has a process, started for that, run the package's tests. A case that never ended, or in which the process died, is
 * a failed case with the reason, so that what was found before it is not lost.
 *
 * @throws {SkillError} `cancelled`, `closed`
 */
export async function runTests(
  { process }: Pick<Launched, "process">,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<{ readonly cases: readonly TestCase[]; readonly logs: string }> {
  const cases: TestCase[] = [];
  let running: string | undefined;
  const onNotification = (method: string, params: Json) => {
    if (method === "test.start") running = readName(params);
    else if (method === "test.end" && cases.length < MAX_CASES) {
      cases.push(readCase(params));
      running = undefined;
    }
  };
  try {
    const deadline = new Deadline(timeoutMs, signal);
    const { logs } = await process.exchange("run_tests", {}, { deadline, onNotification });
    return { cases, logs };
  } catch (error) {
    const reason = SkillError.from(error, "tests_failed", "the tests did not end");
    if (reason.code === "cancelled" || reason.code === "closed") throw reason;
    cases.push({ name: running ?? "the test run", status: "failed", message: reason.message });
    const { stderr, logs = stderr } = reason.details ?? {};
    return { cases, logs: typeof logs === "string" ? logs : "" };
  }
}

function readName(params: Json): string {
  const name = field(params, "name");
  return typeof name === "string" ? name.slice(0, 300) : "?";
}

function readCase(params: Json): TestCase {
  const message = field(params, "message");
  return {
    name: readName(params),
    status: field(params, "status") === "passed" ? "passed" : "failed",
    ...(typeof message === "string" ? { message } : {}),
  };
}

function field(params: Json, name: string): Json | undefined {
  if (typeof params !== "object" || params === null || Array.isArray(params)) return undefined;
  return (params as { readonly [key: string]: Json })[name];
}
