import { join } from "node:path";
import process from "node:process";
import type { StructuredToolInterface } from "@langchain/core/tools";
import type { Skills } from "../../src/skills.ts";
import { skillTool } from "../../src/tools/skill-tools.ts";
import { makeHome, openHome } from "./echo-home.ts";
import { mcpAdapters, mcpSdk } from "./mcp-rivals.ts";
import { measure, measureStarts, repeat, type Times } from "./measure.ts";
import { childrenOf, memoryOfTree } from "./process-memory.ts";

/** Processes that are started anew, since where the system places them decides much. */
const TIMES = 7, STARTS = 9;
/** Calls of each before its time is taken: V8 compiles what it sees often, ours and theirs, for a thousand calls and more. */
const WARM_UP = 1_000;
const VALUE: string = "x".repeat(100);

/** Sets whole calls beside a Python MCP server on stdio with the same tool; ratios are theirs / ours. */
export async function againstMcp(folder: string, interpreter: string): Promise<Record<string, number>> {
  const dir = join(folder, "home");
  await makeHome(dir);
  const calls = await repeat(TIMES, () => callsAndMemory(dir, interpreter));
  const starts = await startsOf(dir, interpreter);
  return {
    skills_run_ms: calls.run,
    mcp_sdk_call_ms: calls.mcpSdk,
    run_vs_mcp_sdk: calls.mcpSdk / calls.run,
    tool_ms: calls.tool,
    mcp_adapters_ms: calls.mcpAdapters,
    tool_vs_mcp_adapters: calls.mcpAdapters / calls.tool,
    skills_ready_ms: starts.run,
    mcp_sdk_ready_ms: starts.mcpSdk,
    ready_vs_mcp_sdk: starts.mcpSdk / starts.run,
    memory_kb: calls.memory,
    mcp_memory_kb: calls.mcpMemory,
    memory_vs_mcp_sdk: calls.mcpMemory / calls.memory,
  };
}

async function callsAndMemory(
  dir: string,
  interpreter: string,
): Promise<Times<"run" | "mcpSdk" | "tool" | "mcpAdapters" | "memory" | "mcpMemory">> {
  const skills = await openHome(dir), tool = await echoTool(skills);
  const own = await started(() => skills.run("echo", { value: VALUE }));
  const theirs = await started(() => mcpSdk(interpreter));
  const sdk = theirs.result, adapters = await mcpAdapters(interpreter);
  const variants = {
    run: () => skills.run("echo", { value: VALUE }),
    mcpSdk: () => sdk.call(VALUE),
    tool: () => tool.invoke({ value: VALUE }),
    mcpAdapters: () => adapters.call(VALUE),
  };
  await measure(variants, { rounds: 1, actions: WARM_UP });
  const times = await measure(variants, { rounds: 15, actions: 40 });
  const memory = { memory: memoryOf(own.pids), mcpMemory: memoryOf(theirs.pids) };
  await Promise.all([skills.close(), sdk.end(), adapters.end()]);
  return { ...times, ...memory };
}

/** From nothing running to the first answer: ours through an opened home, integrity checks and sandbox included. */
async function startsOf(dir: string, interpreter: string): Promise<Times<"run" | "mcpSdk">> {
  const skills = await openHome(dir);
  await skills.run("echo", { value: VALUE }); // the sandbox is probed once
  const times = await measureStarts({
    run: async () => {
      await skills.run("echo", { value: VALUE });
      return () => endProcess(skills);
    },
    mcpSdk: async () => {
      const sdk = await mcpSdk(interpreter);
      await sdk.call(VALUE);
      return sdk.end;
    },
  }, STARTS);
  await skills.close();
  return times;
}

/** A skill that is switched off has no process. */
async function endProcess({ library }: Skills): Promise<void> {
  await library.disable("echo");
  await library.activate("echo");
}

async function echoTool(skills: Skills): Promise<StructuredToolInterface> {
  const [tool] = await skillTool(skills, "echo");
  if (tool === undefined) throw new Error("the skill has no tool");
  return tool;
}

/** Does something that starts processes, and tells which. */
async function started<T>(
  action: () => Promise<T>,
): Promise<{ readonly result: T; readonly pids: readonly number[] }> {
  const before = childrenOf(process.pid);
  const result = await action();
  return { result, pids: childrenOf(process.pid).filter((pid) => !before.includes(pid)) };
}

function memoryOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + memoryOfTree(pid), 0);
}
