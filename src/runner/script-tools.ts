import { SkillError } from "../base/errors.ts";
import type { Serve, ToolSpec } from "../manifest/types.ts";
import type { Runner, ScriptOutline, SkillProgram } from "./types.ts";

/**
 * How a script serves, and its tools: the functions marked so, else `invoke`, else all public ones.
 *
 * @param path shown in errors
 * @throws {SkillError} `invalid_script`, `sandbox_unavailable`
 */
export async function readScriptTools(
  runner: Runner,
  program: Pick<SkillProgram, "interpreter" | "roots">,
  text: string,
  path: string,
): Promise<{ readonly serve: Serve; readonly tools: readonly ToolSpec[] }> {
  const outline = await runner.outline(program, text);
  if ("syntax_error" in outline) {
    const { line, message } = outline.syntax_error;
    throw new SkillError("invalid_script", `"${path}" is not Python: ${message} in line ${line}`);
  }
  if (outline.serve !== "functions") {
    return {
      serve: outline.serve,
      tools: [{ name: "invoke", description: outline.doc, input_schema: {}, idempotent: false }],
    };
  }
  const tools = publicFunctions(outline);
  if (tools.length > 0) return { serve: "functions", tools };
  throw new SkillError("invalid_script", `"${path}" defines no function that can be called`, {
    fix: "define one at the top level, like: def invoke(text: str) -> str",
  });
}

function publicFunctions({ functions, doc }: ScriptOutline): readonly ToolSpec[] {
  const open = functions.filter(({ name }) => !name.startsWith("_"));
  const marked = open.filter(({ decorators }) =>
    decorators.some((text) => /^(skillwright\.)?tool\b/.test(text))
  );
  const invoke = open.filter(({ name }) => name === "invoke");
  const chosen = [marked, invoke, open].find((list) => list.length > 0) ?? [];
  return chosen.map((found) => ({
    name: found.name,
    description: found.doc || doc,
    input_schema: found.input_schema ?? {},
    idempotent: false,
    ...(found.output_schema === undefined ? {} : { output_schema: found.output_schema }),
  }));
}
