/**
 * What a call costs, in one run beside its floors (a bare pipe to a bare Python loop, and `python skill.py`) and its
 * rivals (a Python MCP server on stdio, called by the TypeScript SDK and through LangChain's adapters). Variants take
 * turns, medians are compared. `--json` ends with one object: milliseconds, kilobytes, and ratios (`*_vs_*`).
 */
import process from "node:process";
import { SkillError } from "../src/base/errors.ts";
import { benchmark } from "./benchmark.ts";
import { againstFloors } from "./runner/against-floors.ts";
import { againstMcp } from "./runner/against-mcp.ts";
import { benchProgram } from "./runner/bench-program.ts";
import { mcpInterpreter } from "./runner/mcp-environment.ts";

async function run(folder: string): Promise<Record<string, number | string>> {
  // First, so that nothing is measured while something is installed.
  const interpreter = await mcpInterpreter().catch(withoutMcp);
  const floors = await againstFloors(folder, await benchProgram());
  return interpreter === undefined ? floors : { ...floors, ...await againstMcp(folder, interpreter) };
}

/** The floors are worth measuring without the rivals, but the run has not done what it was asked for. */
function withoutMcp(error: unknown): undefined {
  const { message, fix } = SkillError.from(error, "environment_failed", "the environment was not made");
  console.error(`The Python MCP SDK cannot be installed, so nothing is set beside it: ${message}`);
  if (fix !== undefined) console.error(`To do: ${fix}`);
  process.exitCode = 1;
}

await benchmark(run);
