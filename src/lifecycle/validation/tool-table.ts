import { canonicalJson, isObject, type Json } from "../../base/json.ts";
import { nearest } from "../../base/nearest.ts";
import type { Finding, JsonSchema, PythonManifest, Serve, ToolSpec } from "../../manifest/types.ts";
import type { FunctionOutline, ScriptOutline } from "../../runner/types.ts";

/** How a skill serves and which tools it has: what the manifest says, filled in from the script. */
export interface ToolTable {
  readonly serve: Serve;
  readonly tools: readonly ToolSpec[];
  readonly default_tool: string;
  readonly findings: readonly Finding[];
}

const FREE_INPUT: JsonSchema = { type: "object" };

/** Brings manifest and script together. The findings name what does not fit. */
export function makeToolTable(manifest: PythonManifest, read: ScriptOutline): ToolTable {
  const outline = complete(read);
  const serve = manifest.command === undefined ? manifest.serve ?? outline.serve : "stdio";
  return serve === "functions" ? functionTable(manifest, outline) : protocolTable(serve, manifest, outline);
}

/** Names that the serving loop must know: tools, and those that are called by the host itself. */
export function servedNames(
  manifest: PythonManifest,
  tools: readonly ToolSpec[],
): readonly string[] {
  const own = [manifest.setup, manifest.health, manifest.state?.migrate].filter((name) => name !== undefined);
  return [...new Set([...tools.map(({ name }) => name), ...own])];
}

/** Functions of an outline that was cut short have little more than their names. */
function complete(outline: ScriptOutline): ScriptOutline {
  if (outline.truncated !== true) return outline;
  const rest = { decorators: [], doc: "", parameters: [], input_schema: FREE_INPUT };
  return { ...outline, functions: outline.functions.map((found) => ({ ...rest, ...found })) };
}

function protocolTable(serve: Serve, manifest: PythonManifest, outline: ScriptOutline): ToolTable {
  const tools = manifest.tools.length > 0 ? manifest.tools : [freeTool("invoke", manifest.description)];
  const file = manifest.entry_file;
  const expected = manifest.command === undefined ? ["handshake", "invoke"] : [];
  const missing = expected.filter((method) =>
    !outline.methods.some((found) => found === method || found === `skill.${method}`)
  );
  const findings = missing.map((method): Finding => ({
    severity: method === "handshake" ? "error" : "warning",
    rule: "script/protocol",
    message: `the script says it serves by ${serve}, but the method "${method}" does not stand in it`,
    fix: `answer the JSON-RPC method "${method}", or write plain functions and serve = "functions"`,
    file,
  }));
  return { serve, tools, default_tool: defaultTool(manifest, tools), findings };
}

function functionTable(manifest: PythonManifest, outline: ScriptOutline): ToolTable {
  const findings: Finding[] = [];
  const tools = manifest.tools.length > 0
    ? manifest.tools.map((tool) => withFunction(tool, manifest, outline, findings))
    : foundTools(manifest, outline, findings);
  for (const name of [manifest.setup, manifest.health, manifest.state?.migrate]) {
    if (name !== undefined && functionOf(outline, name) === undefined) {
      findings.push(missingFunction(name, manifest.entry_file, outline));
    }
  }
  return { serve: "functions", tools, default_tool: defaultTool(manifest, tools), findings };
}

/** A tool that the manifest names: what it leaves out comes from the function. */
function withFunction(
  tool: ToolSpec,
  manifest: PythonManifest,
  outline: ScriptOutline,
  findings: Finding[],
): ToolSpec {
  const found = functionOf(outline, tool.name);
  if (found === undefined) {
    findings.push(missingFunction(tool.name, manifest.entry_file, outline));
    return tool;
  }
  const given = canonicalJson(tool.input_schema) !== canonicalJson(FREE_INPUT);
  if (given && outline.truncated !== true) {
    findings.push(...compareParameters(tool, found, manifest.entry_file));
  }
  return {
    ...tool,
    description: tool.description === "" ? firstParagraph(found.doc) : tool.description,
    input_schema: given ? tool.input_schema : found.input_schema,
  };
}

/** The tools of a script whose manifest names none: `@tool`, else `invoke`, else its only public function. */
function foundTools(
  manifest: PythonManifest,
  outline: ScriptOutline,
  findings: Finding[],
): readonly ToolSpec[] {
  const marked = outline.functions.filter(({ decorators }) =>
    decorators.some((text) => toolMark(text) !== undefined)
  );
  const open = outline.functions.filter(({ name }) =>
    !name.startsWith("_") && ![manifest.setup, manifest.health, manifest.state?.migrate].includes(name)
  );
  const invoke = outline.functions.filter(({ name }) => name === "invoke");
  const chosen = marked.length > 0 ? marked : invoke.length > 0 ? invoke : open.length === 1 ? open : [];
  if (chosen.length === 0) {
    findings.push({
      severity: "error",
      rule: "script/no-tool",
      message: open.length === 0
        ? "the script defines no public function"
        : `the script defines ${open.length} functions and does not say which are tools`,
      fix: "list them under [[tools]] in the manifest, or mark them with @tool",
      file: manifest.entry_file,
    });
  }
  return chosen.map((found) => ({
    name: markedName(found) ?? found.name,
    description: firstParagraph(found.doc) || manifest.description,
    input_schema: found.input_schema,
    ...(isTelling(found.output_schema) ? { output_schema: found.output_schema } : {}),
    idempotent: false,
  }));
}

/** Whether what a function takes is what the schema lets through. Only plain object schemas are compared. */
function compareParameters(tool: ToolSpec, found: FunctionOutline, file: string): readonly Finding[] {
  const { properties, required } = tool.input_schema;
  const { parameters } = found;
  if (takesWholeInput(found) || !isObject(properties)) return [];
  const named = parameters.filter(({ kind }) => kind === "positional" || kind === "keyword");
  const open = parameters.some(({ kind }) => kind === "var_keyword");
  const needed = Array.isArray(required) ? required as readonly Json[] : [];
  const at = { file, line: found.line };
  const findings: Finding[] = [];
  for (const { name } of parameters.filter(({ kind }) => kind === "positional_only")) {
    findings.push({
      severity: "error",
      rule: "script/parameters",
      message: `"${tool.name}" takes "${name}" by position only, but arguments come by name`,
      fix: 'take the "/" out of the parameters',
      ...at,
    });
  }
  for (const key of Object.keys(properties)) {
    if (open || named.some(({ name }) => name === key)) continue;
    const near = nearest(key, named.map(({ name }) => name));
    findings.push({
      severity: "error",
      rule: "script/parameters",
      message: `input_schema of "${tool.name}" has "${key}", which the function does not take`,
      fix: near === undefined
        ? `add a parameter "${key}", or take it out of the schema`
        : `one of the two is a slip: "${near}" or "${key}"`,
      ...at,
    });
  }
  for (const { name, schema, annotation = "" } of named) {
    const said = properties[name], hinted = typeOf(schema), promised = typeOf(said);
    if (hinted === undefined || promised === undefined || fits(promised, hinted)) continue;
    findings.push({
      severity: "warning",
      rule: "script/types",
      message:
        `input_schema of "${tool.name}" says that "${name}" is ${promised}, the function says ${annotation}`,
      fix: "make both say the same",
      ...at,
    });
  }
  for (const { name, required: must } of named) {
    if (!must || needed.includes(name)) continue;
    const listed = Object.hasOwn(properties, name);
    findings.push({
      severity: listed ? "warning" : "error",
      rule: "script/parameters",
      message: listed
        ? `"${tool.name}" needs "${name}", but input_schema does not list it under required`
        : `"${tool.name}" needs the parameter "${name}", which input_schema does not have`,
      fix: listed
        ? `add "${name}" to required, or give the parameter a default`
        : `add "${name}" to properties and required`,
      ...at,
    });
  }
  return findings;
}

/** The one type of a schema; undefined when it leaves a choice, or says more than a type can. */
function typeOf(schema: Json | undefined): string | undefined {
  return isObject(schema) && typeof schema["type"] === "string" ? schema["type"] : undefined;
}

function fits(promised: string, hinted: string): boolean {
  return promised === hinted || (promised === "integer" && hinted === "number");
}

/** A function with one parameter `input` or `params` gets the whole object. */
function takesWholeInput({ parameters }: FunctionOutline): boolean {
  const [first] = parameters;
  return parameters.length === 1 && (first?.name === "input" || first?.name === "params");
}

function functionOf(outline: ScriptOutline, tool: string): FunctionOutline | undefined {
  return outline.functions.find((one) => markedName(one) === tool) ??
    outline.functions.find(({ name }) => name === tool);
}

function markedName({ decorators }: FunctionOutline): string | undefined {
  return decorators.map(toolMark).find((name) => name !== undefined && name !== "");
}

/** The name that a `@tool` decorator gives; empty when it gives none; undefined when it is another decorator. */
function toolMark(decorator: string): string | undefined {
  const match = /^(?:skillwright\.)?tool(?:\((.*)\))?$/s.exec(decorator);
  if (match === null) return undefined;
  return /name=['"]([^'"]+)['"]/.exec(match[1] ?? "")?.[1] ?? "";
}

function missingFunction(name: string, file: string, outline: ScriptOutline): Finding {
  const names = outline.functions.map((one) => one.name);
  const near = nearest(name, names);
  return {
    severity: "error",
    rule: "script/missing-function",
    message: `the manifest names "${name}", but ${file} defines no such function`,
    fix: near === undefined
      ? `define "def ${name}(…)" at the top level of the file; it defines ${
        names.slice(0, 10).join(", ") || "none"
      }`
      : `did you mean "${near}"`,
    file,
  };
}

function defaultTool(manifest: PythonManifest, tools: readonly ToolSpec[]): string {
  const names = tools.map(({ name }) => name);
  return manifest.default_tool ?? (names.includes("invoke") ? "invoke" : names[0] ?? "invoke");
}

function freeTool(name: string, description: string): ToolSpec {
  return { name, description, input_schema: FREE_INPUT, idempotent: false };
}

function firstParagraph(doc: string): string {
  return doc.split(/\n\s*\n/, 1)[0]?.replaceAll(/\s+/g, " ").trim() ?? "";
}

function isTelling(schema: JsonSchema | undefined): schema is JsonSchema {
  return schema !== undefined && Object.keys(schema).length > 0;
}
