import { SkillError } from "../../base/errors.ts";
import type { Json } from "../../base/json.ts";
import { nearest } from "../../base/nearest.ts";
import { compileSchema, describeProblems, type SchemaCheck } from "../../manifest/json-schema.ts";
import type { ToolSpec } from "../../manifest/types.ts";
import type { CallRequest, CallResult, Runner, SkillProgram } from "../../runner/types.ts";
import type { ResolvedManifest } from "../types.ts";

interface ToolChecks {
  readonly input: (value: unknown) => SchemaCheck;
  readonly output: ((value: unknown) => SchemaCheck) | undefined;
}

/** Calls the tools of one build, with input and output held against their schemas, which are compiled once. */
export class ToolCaller {
  readonly #calls: Pick<Runner, "call">;
  readonly #resolved: ResolvedManifest;
  readonly #checks = new Map<string, ToolChecks>();

  constructor(calls: Pick<Runner, "call">, resolved: ResolvedManifest) {
    this.#calls = calls;
    this.#resolved = resolved;
  }

  /** @throws {SkillError} `tool_not_found`, `invalid_input` before anything starts, `invalid_output`, and what the runner throws */
  async call(program: SkillProgram, request: CallRequest): Promise<CallResult> {
    const { id } = this.#resolved.manifest;
    const { input, output } = this.#checksOf(request.tool);
    const given = input(request.input);
    if (!given.ok) {
      throw new SkillError(
        "invalid_input",
        `the input of "${id}" does not fit: ${describeProblems(given.problems)}`,
        {
          fix: `see what "${request.tool}" takes: skillwright status ${id}`,
          details: { tool: request.tool, problems: given.problems },
        },
      );
    }
    const result = await this.#calls.call(program, request);
    const answered = output?.(result.value);
    if (answered === undefined || answered.ok) return result;
    throw new SkillError(
      "invalid_output",
      `"${id}" answered what does not fit: ${describeProblems(answered.problems)}`,
      {
        fix: `correct the tool "${request.tool}", or its output_schema`,
        details: { tool: request.tool, problems: answered.problems, value: result.value },
      },
    );
  }

  /** Whether a tool's schema alone refuses an input, so that the skill never sees it. */
  refuses(tool: string, input: Json): boolean {
    return !this.#checksOf(tool).input(input).ok;
  }

  /** The tool to call: the named one, else the default. @throws {SkillError} `tool_not_found` */
  tool(name: string = this.#resolved.default_tool): ToolSpec {
    const { manifest, tools } = this.#resolved;
    const tool = tools.find((one) => one.name === name);
    if (tool !== undefined) return tool;
    const names = tools.map((one) => one.name);
    const near = nearest(name, names);
    throw new SkillError("tool_not_found", `"${manifest.id}" has no tool "${name}"`, {
      fix: near === undefined ? `choose among ${names.join(", ")}` : `did you mean "${near}"`,
      details: { id: manifest.id, tools: names },
    });
  }

  #checksOf(name: string): ToolChecks {
    const known = this.#checks.get(name);
    if (known !== undefined) return known;
    const { input_schema, output_schema } = this.tool(name);
    const checks: ToolChecks = {
      input: compileSchema(input_schema, "input_schema"),
      output: output_schema === undefined ? undefined : compileSchema(output_schema, "output_schema"),
    };
    this.#checks.set(name, checks);
    return checks;
  }
}
