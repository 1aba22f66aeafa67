import { Buffer } from "node:buffer";
import { stringify } from "smol-toml";
import { sha256 } from "../../base/digest.ts";
import { SHORT_VERSION } from "../manifest-model.ts";
import type { PackageFile } from "../package-files.ts";
import { suggestSkillId } from "../skill-id.ts";
import type { JsonSchema, ScriptArgument, ScriptMetadata, ToolSpec } from "../types.ts";
import type { SkillMd } from "./skill-md.ts";

/** A Python script of `scripts/`, read without running it. */
export interface AgentScript {
  /** Inside the package. */
  readonly path: string;
  readonly doc: string;
  /** Undefined: it has none, or its command line can't be told. */
  readonly arguments: readonly ScriptArgument[] | undefined;
  readonly metadata: ScriptMetadata;
}

const MOST_SCRIPTS = 60;
const OWN_TOOLS = ["instructions", "read_file"] as const;
const PYTHON_WORDS =
  /^(False|None|True|and|as|assert|async|await|break|class|continue|def|del|elif|else|except|finally|for|from|global|if|import|in|is|lambda|nonlocal|not|or|pass|raise|return|try|while|with|yield)$/;
const STDIN: JsonSchema = { type: "string", description: "What it reads on standard input" };
const ANY_VERSION = /^\d+\.\d+\.\d+/;

/**
 * The files of a skill that serves an Agent Skills folder: those of the folder, a `manifest.toml` without any permission,
 * and a `skill.py` with `instructions`, `read_file` and one function for each script.
 *
 * @param template the text that `skill.py` begins with, below its header
 */
export function agentSkillPackage(
  files: readonly PackageFile[],
  skill: SkillMd,
  scripts: readonly AgentScript[],
  template: string,
): readonly PackageFile[] {
  const tools = named(scripts.slice(0, MOST_SCRIPTS));
  const made = (path: string, text: string): PackageFile => ({
    path,
    executable: false,
    bytes: Buffer.from(text),
  });
  return [
    ...files,
    made("manifest.toml", `${stringify(manifestOf(skill, tools))}\n`),
    made("skill.py", scriptOf(tools, template)),
  ].toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

type NamedScript = AgentScript & { readonly name: string };

/** Names that are functions of Python, each once. */
function named(scripts: readonly AgentScript[]): readonly NamedScript[] {
  const taken = new Set<string>(OWN_TOOLS);
  return scripts.map((script) => {
    const stem = script.path.replace(/^scripts\//, "").replace(/\.py$/, "");
    const plain = stem.replaceAll(/[^A-Za-z0-9_]+/g, "_").replace(/^(?=\d)|^_+/, "run_").slice(0, 56);
    let name = PYTHON_WORDS.test(plain) || plain === "" ? `run_${plain}` : plain;
    for (let count = 2; taken.has(name); count++) name = `${plain}_${count}`;
    taken.add(name);
    return { ...script, name };
  });
}

function manifestOf(skill: SkillMd, scripts: readonly NamedScript[]): Record<string, unknown> {
  const { name, description, metadata, body } = skill;
  const { version = "" } = metadata;
  const headings = [...body.matchAll(/^#{1,3} +(.+)$/gm)].map(([, text = ""]) => text.trim());
  const about = headings.join("; ").slice(0, 600);
  return {
    id: suggestSkillId(name) ?? `skill_${sha256(name).slice(0, 8)}`,
    name: name.slice(0, 120),
    version: ANY_VERSION.test(version) || SHORT_VERSION.test(version) ? version : "1.0.0",
    description: description.slice(0, 2000),
    // a script expects to be started, not called
    mode: "one_shot",
    default_tool: "instructions",
    tools: [
      {
        name: "instructions",
        description: `Tells how this skill is used: read it first${
          about === "" ? "" : `. It covers: ${about}`
        }`,
        input_schema: { type: "object", properties: {}, additionalProperties: false },
        idempotent: true,
      },
      {
        name: "read_file",
        description: "Reads a text file of this skill, as instructions lists it",
        input_schema: { type: "object", properties: { path: { type: "string" } }, required: ["path"] },
        idempotent: true,
      },
      ...scripts.map(toolOf),
    ],
    metadata: { tags: ["agent-skill"] },
  };
}

function toolOf(script: NamedScript): Pick<ToolSpec, "name" | "description" | "input_schema"> {
  const [first = ""] = script.doc.split(/\n\s*\n/);
  const description = first.replaceAll(/\s+/g, " ").trim().slice(0, 1000);
  return {
    name: script.name,
    description: description === "" ? `Runs ${script.path}` : description,
    input_schema: schemaOf(script.arguments),
  };
}

function schemaOf(rows: readonly ScriptArgument[] | undefined): JsonSchema {
  if (rows === undefined) {
    const args = { type: "array", items: { type: "string" }, description: "Words of its command line" };
    return { type: "object", properties: { args, stdin: STDIN }, additionalProperties: false };
  }
  const required = rows.filter((row) => row.required).map(({ name }) => name);
  const properties = Object.fromEntries(rows.map((row) => [row.name, argumentSchema(row)]));
  return {
    type: "object",
    properties: { stdin: STDIN, ...properties },
    ...(required.length === 0 ? {} : { required }),
    additionalProperties: false,
  };
}

function argumentSchema(row: ScriptArgument): JsonSchema {
  const described = row.help === "" ? {} : { description: row.help };
  const preset = row.default === undefined ? {} : { default: row.default };
  if (row.kind === "true" || row.kind === "false") return { type: "boolean", ...described };
  if (row.kind === "count") return { type: "integer", minimum: 0, maximum: 10, ...described };
  const one = row.choices === undefined ? { type: row.type } : { enum: row.choices };
  const value = row.list ? { type: "array", items: one } : one;
  return { ...value, ...preset, ...described };
}

function scriptOf(scripts: readonly NamedScript[], template: string): string {
  const table = Object.fromEntries(
    scripts.map(({ name, path, arguments: rows }) => [name, { path, arguments: rows ?? null }] as const),
  );
  const functions = scripts.map(({ name }) =>
    `\n\ndef ${name}(**given):\n    return _run("${name}", given)\n`
  );
  // JSON inside a string of JSON: nothing in it can end the string.
  const text = JSON.stringify(JSON.stringify(table));
  return `${headerOf(scripts)}${template.trimEnd()}\n\n\nSCRIPTS.update(json.loads(${text}))\n${
    functions.join("")
  }`;
}

/** What all scripts need together. */
function headerOf(scripts: readonly AgentScript[]): string {
  const dependencies = [...new Set(scripts.flatMap(({ metadata }) => metadata.dependencies))].sort();
  const pythons = [...new Set(scripts.flatMap(({ metadata }) => metadata.requires_python ?? []))];
  const list = dependencies.map((one) => `#   ${JSON.stringify(one)},\n`).join("");
  return `# /// script\n# requires-python = ${
    JSON.stringify([">=3.9", ...pythons].join(","))
  }\n# dependencies = [\n${list}# ]\n# ///\n`;
}
