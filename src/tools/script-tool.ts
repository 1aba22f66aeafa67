import type { StructuredToolInterface } from "@langchain/core/tools";
import type { RunnableConfig } from "@langchain/core/runnables";
import { z } from "zod";
import { SkillError } from "../base/errors.ts";
import type { Json } from "../base/json.ts";
import { openScript, runScript, type RunScriptOptions, type Script } from "../runner/run-script.ts";
import { leafTool } from "./leaf-tool.ts";
import { ShownSchemaTool } from "./skill-tool.ts";
import { answer } from "./tool-answer.ts";

/** How a script becomes a tool. */
export interface ScriptToolOptions extends RunScriptOptions {
  /** Name for the model. Default: the function's. */
  readonly name?: string;
  /** Default: the function's docstring. */
  readonly description?: string;
}

/**
 * A LangChain tool that runs a function of a Python file in the sandbox, with the schema of its type hints. Errors are
 * answers that a model can act on. Given a path, each call starts from nothing; given a `Script`, its process and
 * environment are kept, and who opened it closes it.
 *
 * @throws {SkillError} what `openScript` says; `tool_not_found`
 */
export async function scriptTool(
  script: string | Script,
  options: ScriptToolOptions = {},
): Promise<StructuredToolInterface> {
  const { name, description, ...runOptions } = options;
  const tools = typeof script === "string" ? await toolsOf(script, runOptions) : script.tools;
  const spec = options.tool === undefined ? tools[0] : tools.find((one) => one.name === options.tool);
  if (spec === undefined) {
    throw new SkillError("tool_not_found", `the script has no function "${options.tool}"`, {
      fix: `choose among ${tools.map((one) => one.name).join(", ")}`,
    });
  }
  const call = (input: Json, config?: RunnableConfig) => {
    const signal = config?.signal === undefined ? {} : { signal: config.signal };
    const more = { ...runOptions, ...signal, tool: spec.name };
    if (typeof script === "string") return runScript(script, input, more);
    const { files, onProgress, timeout_ms } = options;
    return script.call(input, {
      ...signal,
      tool: spec.name,
      ...(files === undefined ? {} : { files }),
      ...(onProgress === undefined ? {} : { onProgress }),
      ...(timeout_ms === undefined ? {} : { timeout_ms }),
    });
  };
  const open = leafTool(
    {
      name: name ?? spec.name,
      description: description ?? (spec.description || spec.name),
      schema: z.record(z.string(), z.unknown()),
    },
    (input, config) =>
      answer(async () => {
        const artifact = await call(input as Json, config); // LangChain parsed it from JSON
        return { content: { value: artifact.value }, artifact };
      }),
  );
  return new ShownSchemaTool(open, spec.input_schema);
}

async function toolsOf(path: string, options: RunScriptOptions): Promise<Script["tools"]> {
  const script = await openScript(path, options);
  await script.close();
  return script.tools;
}
