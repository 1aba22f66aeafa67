import { lstat, readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { SkillError } from "../../base/errors.ts";
import type { Environments, PythonInterpreter } from "../../environment/types.ts";
import { loadPackage } from "../../manifest/package.ts";
import type { Finding, PythonManifest, Serve, SkillPackage, ToolSpec } from "../../manifest/types.ts";
import type { Runner, ScriptOutline } from "../../runner/types.ts";
import { type HostPolicy, resolveGrants } from "../../sandbox/policy/policy.ts";
import { checkCommands } from "./command-check.ts";
import { readExamples } from "./examples.ts";
import { checkImports } from "./import-check.ts";
import { environmentRequest } from "./resolve.ts";
import { checkSecurity } from "./security-check.ts";
import { makeToolTable, type ToolTable } from "./tool-table.ts";
import { readTriggerTests } from "./trigger-tests.ts";

/** What validation found. `ok` when no finding has severity `error`. */
export interface ValidationReport {
  readonly ok: boolean;
  readonly findings: readonly Finding[];
  /** Present when the manifest could be read. */
  readonly manifest?: PythonManifest;
  readonly serve?: Serve;
  readonly tools?: readonly ToolSpec[];
  readonly dependencies?: readonly string[];
}

/** What validation needs besides the package. */
export interface ValidateContext {
  readonly environments: Environments;
  readonly runner: Runner;
  /** Modules of the interpreter's standard library. */
  readonly stdlib: (interpreter: string) => Promise<ReadonlySet<string>>;
  /** What any skill may ask for. */
  readonly host: HostPolicy;
  /** Folders that no skill may reach. */
  readonly forbidden: readonly string[];
}

/** A package that was looked at from all sides. `loaded` and `table` are there when the report is `ok`. */
export interface Validation {
  readonly report: ValidationReport;
  readonly loaded?: SkillPackage;
  readonly table?: ToolTable;
}

/**
 * Checks a package without running any of it: manifest, header, syntax and names by the interpreter that will run it,
 * entry points against schemas, imports against dependencies, permissions against what the host allows, and what a
 * reviewer should look at. What is wrong with the package is a finding, never a throw.
 *
 * @throws {SkillError} `not_found` when there is nothing at `path`; what starting the interpreter throws
 */
export async function validatePackage(path: string, context: ValidateContext): Promise<Validation> {
  if (await lstat(path).catch(() => undefined) === undefined) {
    throw new SkillError("not_found", `there is no package at "${path}"`, { fix: "check the path" });
  }
  const read = await attempt(() => loadPackage(path));
  if ("findings" in read) return { report: { ok: false, findings: read.findings } };
  const loaded = read.value;
  const { manifest, script, source } = loaded;
  const { python, findings: unmet } = await interpreterOf(loaded, context.environments);
  const hints = [...loaded.hints, ...unmet];
  const outline = await context.runner.outline({ interpreter: python.path, roots: python.roots }, source);
  if ("syntax_error" in outline) {
    const findings = [...hints, syntaxFinding(manifest.entry_file, outline.syntax_error)];
    return { report: { ok: false, findings, manifest, dependencies: script.dependencies } };
  }
  const table = makeToolTable(manifest, outline);
  const findings: readonly Finding[] = [
    ...hints,
    ...table.findings,
    ...nameFindings(outline, manifest.entry_file),
    ...await importFindings(loaded, outline, await context.stdlib(python.path)),
    ...await permissionFindings(loaded, context),
    ...await checkCommands(loaded, python.path),
    ...await exampleFindings(loaded, table),
    ...checkSecurity(outline, source, manifest.entry_file, manifest.security.permissions),
  ];
  const ok = !findings.some(({ severity }) => severity === "error");
  const { serve, tools } = table;
  const report = { ok, findings, manifest, serve, tools, dependencies: script.dependencies };
  return ok ? { report, loaded, table } : { report };
}

/** The interpreter that a build would take; where there is none, any, and a finding that says so. */
async function interpreterOf(
  loaded: SkillPackage,
  environments: Environments,
): Promise<{ readonly python: PythonInterpreter; readonly findings: readonly Finding[] }> {
  const { requires_python: requires } = environmentRequest(loaded);
  if (requires === undefined) return { python: await environments.python(), findings: [] };
  try {
    return { python: await environments.python(requires), findings: [] };
  } catch (error) {
    if (!SkillError.isInstance(error) || error.code !== "python_unavailable") throw error;
    const python = await environments.python();
    const unmet: Finding = {
      severity: "warning",
      rule: "script/requires-python",
      message: `no Python here is ${requires}; the one that is found first is ${python.version}`,
      fix: "ask for an older Python, or install that one",
      file: loaded.manifest.entry_file,
    };
    return { python, findings: [unmet] };
  }
}

/** Names that nobody defines: their line fails as soon as it runs. */
function nameFindings({ undefined: names = [] }: ScriptOutline, file: string): readonly Finding[] {
  return names.map(({ name, line }): Finding => ({
    severity: "warning",
    rule: "script/undefined-name",
    message: `"${name}" is used, but nothing in the file defines or imports it`,
    fix: `import or define "${name}", or correct the spelling`,
    file,
    line,
  }));
}

async function importFindings(
  { dir, manifest, script }: SkillPackage,
  outline: ScriptOutline,
  stdlib: ReadonlySet<string>,
): Promise<readonly Finding[]> {
  if (stdlib.size === 0) return [];
  const folders = [dir, join(dir, dirname(manifest.entry_file))];
  const names = await Promise.all(folders.map((folder) => readdir(folder).catch(() => [])));
  const local = new Set(names.flat().map((name) => name.replace(/\.py$/, "")));
  return checkImports(outline, {
    file: manifest.entry_file,
    stdlib,
    local,
    dependencies: script.dependencies,
  });
}

async function permissionFindings(
  { dir, form, manifest }: SkillPackage,
  { host, forbidden }: ValidateContext,
): Promise<readonly Finding[]> {
  const { permissions } = manifest.security;
  const read = await attempt(() =>
    resolveGrants(permissions, { packageDir: dir, host, forbidden, writableByOthers: [] })
  );
  if (!("findings" in read)) return [];
  const file = form === "pep723" ? manifest.entry_file : form;
  return read.findings.map((finding) => ({ ...finding, rule: "security/permission", file }));
}

/** Examples and trigger sentences of the package that can't be read, examples that name a tool that is not there. */
async function exampleFindings({ dir }: SkillPackage, { tools }: ToolTable): Promise<readonly Finding[]> {
  const triggers = await attempt(() => readTriggerTests(dir));
  const bad = "findings" in triggers ? triggers.findings : [];
  const read = await attempt(() => readExamples(dir));
  if ("findings" in read) return [...bad, ...read.findings];
  const unknown = read.value.filter(({ tool }) =>
    tool !== undefined && !tools.some(({ name }) => name === tool)
  );
  const unknownTools = unknown.slice(0, 5).map(({ tool }): Finding => ({
    severity: "error",
    rule: "tests/unknown-tool",
    message: `an example calls the tool "${tool ?? ""}", which the skill does not have`,
    fix: `name one of ${tools.map(({ name }) => name).join(", ")}`,
    file: "tests/examples.jsonl",
  }));
  return [...bad, ...unknownTools];
}

function syntaxFinding(
  file: string,
  { line, message }: { readonly line: number; readonly message: string },
): Finding {
  return {
    severity: "error",
    rule: "script/syntax",
    message: `not valid Python: ${message}`,
    fix: "correct the line",
    file,
    line,
  };
}

/** What reading gave, or what is wrong with what was read. */
export async function attempt<T>(
  read: () => Promise<T>,
): Promise<{ readonly value: T } | { readonly findings: readonly Finding[] }> {
  try {
    return { value: await read() };
  } catch (error) {
    return { findings: findingsOf(error) };
  }
}

/** The findings that an error of reading carries, or the error as one. Errors that are not about the package are thrown on. */
function findingsOf(error: unknown): readonly Finding[] {
  if (!SkillError.isInstance(error)) throw error;
  const carried = error.details?.["findings"];
  if (Array.isArray(carried) && carried.length > 0) return carried as readonly Finding[];
  const { file, line } = { file: undefined, line: undefined, ...error.details };
  return [{
    severity: "error",
    rule: `package/${error.code.replaceAll("_", "-")}`,
    message: error.message,
    ...fixOf(error),
    ...(typeof file === "string" ? { file } : {}),
    ...(typeof line === "number" ? { line } : {}),
  }];
}

function fixOf(error: SkillError): { readonly fix?: string } {
  return error.fix === undefined ? {} : { fix: error.fix };
}
