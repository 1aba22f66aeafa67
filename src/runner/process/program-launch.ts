import type { SandboxPolicy } from "../../sandbox/types.ts";
import type { RunnerLimits, SkillProgram } from "../types.ts";
import type { LaunchRequest } from "./launch.ts";
import { outlineOrders, programOrders } from "./orders.ts";

/** How a program is started to serve calls, or to run its own tests. */
export function programLaunch(
  program: SkillProgram,
  purpose: "serve" | "tests",
  limits: RunnerLimits,
): LaunchRequest {
  const mode = purpose === "serve" ? program.serve : "tests";
  return {
    expected: program,
    interpreter: program.interpreter,
    roots: [...program.roots, program.source, ...program.site],
    policy: program.policy,
    orders: programOrders(program, mode, limits),
    secrets: program.secrets,
    timeoutMs: program.start_timeout_ms,
  };
}

/** What is enough to parse a text: nothing to read, nothing to write, no network. */
const PARSING_POLICY: SandboxPolicy = {
  read: [],
  write: [],
  network: false,
  spawn: false,
  limits: {
    memory_mb: 512,
    cpu_percent: 100,
    cpu_seconds: 20,
    file_size_mb: 1,
    scratch_mb: 1,
    open_files: 64,
    processes: 16,
  },
};

/** How a process is started that reads the shape of a Python text. */
export function outlineLaunch(
  program: Pick<SkillProgram, "interpreter" | "roots">,
  text: string,
  limits: RunnerLimits,
): LaunchRequest {
  return {
    expected: { id: "outline", version: "0.0.0" },
    interpreter: program.interpreter,
    roots: program.roots,
    policy: PARSING_POLICY,
    orders: outlineOrders(text, limits.maxMessageBytes),
    secrets: {},
    timeoutMs: limits.outlineTimeoutMs,
  };
}
