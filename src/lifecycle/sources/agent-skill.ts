import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { SkillError } from "../../base/errors.ts";
import { type AgentScript, agentSkillPackage } from "../../manifest/agent-skill/agent-skill-package.ts";
import { readSkillMd, SKILL_MD_NAMES } from "../../manifest/agent-skill/skill-md.ts";
import type { PackageFile } from "../../manifest/package-files.ts";
import { MAX_SCRIPT_BYTES, parseScriptMetadata, scriptText } from "../../manifest/pep723.ts";
import type { Finding } from "../../manifest/types.ts";
import type { ScriptOutline } from "../../runner/types.ts";
import { pythonFiles } from "../../sandbox/files/python-files.ts";
import { checkImports } from "../validation/import-check.ts";
import { checkSecurity } from "../validation/security-check.ts";
import type { ValidateContext } from "../validation/validate.ts";

/** What became of an Agent Skills folder. */
export interface AgentSkill {
  /** A package that serves it. */
  readonly files: readonly PackageFile[];
  readonly findings: readonly Finding[];
}

const NO_PERMISSIONS = {
  network_access: false,
  file_read: [],
  file_write: [],
  process_spawn: false,
} as const;

/** Whether names at the root of a package are those of an Agent Skills folder and of nothing that goes before it. */
export function isAgentSkill(names: readonly string[]): boolean {
  return SKILL_MD_NAMES.some((name) => names.includes(name)) && !names.includes("manifest.toml") &&
    !names.includes("skill.py");
}

/**
 * Makes a package of an Agent Skills folder: its instructions and files are served, the Python files of `scripts/`
 * become tools. Scripts are parsed in the sandbox, none is run.
 *
 * @param folder name of the folder, where it is known
 * @throws {SkillError} `invalid_manifest`, `invalid_script`, `sandbox_unavailable`
 */
export async function adaptAgentSkill(
  files: readonly PackageFile[],
  context: Pick<ValidateContext, "environments" | "runner" | "stdlib">,
  folder?: string,
): Promise<AgentSkill> {
  const file = SKILL_MD_NAMES.map((name) => files.find(({ path }) => path === name)).find((one) => one);
  if (file === undefined) throw new SkillError("not_found", "there is no SKILL.md");
  const skill = readSkillMd(file.bytes, file.path, folder);
  const programs = files.filter(({ path, executable }) =>
    path.startsWith("scripts/") && (executable || /\.\w+$/.test(path))
  );
  const read: ReadScript[] = [], findings: Finding[] = [...skill.findings];
  const siblings = new Set(
    files.map(({ path }) => path.split("/").at(-1)?.replace(/\.py$/, "") ?? "").concat(
      files.flatMap(({ path }) => path.split("/").slice(0, -1)),
    ),
  );
  for (const program of programs) {
    if (!program.path.endsWith(".py")) findings.push(notPython(program.path));
    else if (!/(^|\/)(__init__|conftest|test_\w*)\.py$/.test(program.path)) {
      const one = await readScript(program, context, siblings);
      read.push(one);
      findings.push(...one.findings);
    }
  }
  const scripts = read.filter((one) => !isHelper(one, read)).map(({ script }) => script);
  const template = await readFile(join(pythonFiles().dir, "agent_skill.py"), "utf8");
  return { files: agentSkillPackage(files, skill, scripts, template), findings };
}

interface ReadScript {
  readonly script: AgentScript;
  readonly outline: ScriptOutline;
  readonly findings: readonly Finding[];
}

/** What others import, and what does nothing when it is started, is no tool. */
function isHelper({ script, outline }: ReadScript, all: readonly ReadScript[]): boolean {
  const name = script.path.split("/").at(-1)?.replace(/\.py$/, "");
  const imported = all.some((other) => other.outline.imports.some(({ module }) => module === name));
  return imported && !outline.has_main && outline.arguments === undefined;
}

async function readScript(
  { path, bytes }: PackageFile,
  { environments, runner, stdlib }: Pick<ValidateContext, "environments" | "runner" | "stdlib">,
  local: ReadonlySet<string>,
): Promise<ReadScript> {
  if (bytes.byteLength > MAX_SCRIPT_BYTES) {
    throw new SkillError("invalid_script", `${path} is larger than ${MAX_SCRIPT_BYTES} bytes`);
  }
  const source = scriptText(bytes, path);
  const metadata = parseScriptMetadata(source, path);
  const python = await environments.python();
  const outline = await runner.outline({ interpreter: python.path, roots: python.roots }, source);
  if ("syntax_error" in outline) {
    const { line, message } = outline.syntax_error;
    throw new SkillError("invalid_script", `${path} line ${line}: not valid Python: ${message}`, {
      fix: "correct the line",
      details: { file: path, line },
    });
  }
  const { dependencies } = metadata;
  const modules = await stdlib(python.path);
  return {
    script: { path, doc: outline.doc, arguments: outline.arguments, metadata },
    outline,
    findings: [
      ...checkImports(outline, { file: path, stdlib: modules, local, dependencies }).map(asWarning),
      ...checkSecurity(outline, source, path, NO_PERMISSIONS),
    ],
  };
}

/** One script that can't run is no reason to refuse the instructions and the others. */
function asWarning(finding: Finding): Finding {
  return finding.severity === "error" ? { ...finding, severity: "warning" } : finding;
}

function notPython(path: string): Finding {
  return {
    severity: "warning",
    rule: "agent-skill/not-python",
    message: `${path} is no Python script: it can be read, not run`,
    fix: "write it in Python to make a tool of it",
    file: path,
  };
}
