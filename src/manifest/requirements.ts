import { SkillError } from "../base/errors.ts";
import { markerProblem } from "./environment-marker.ts";
import { parseSpecifier } from "./pep440.ts";

/** A PEP 508 requirement by name: the only kind that is accepted. */
export interface Requirement {
  /** As written. Compare names by `normalizeName`. */
  readonly name: string;
  readonly extras: readonly string[];
  /** Specifier as written, without parentheses; empty: any version. */
  readonly specifier: string;
  readonly marker?: string;
}

const MAX_LENGTH = 512;
const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?/;

/**
 * Checks the syntax of one requirement. Requirements by URL, repository or path, and options of pip, are refused: what
 * they bring is neither in the index that the user chose nor bound to a version.
 *
 * @throws {SkillError} `invalid_script` with the reason and the fix.
 */
export function parseRequirement(text: string): Requirement {
  if (text.length > MAX_LENGTH) {
    fail(text, `it is ${text.length} characters long, the limit is ${MAX_LENGTH}`);
  }
  const foreign = foreignKind(text.trim());
  if (foreign !== undefined) {
    fail(text, `${foreign} are not accepted`, 'Name a package of the index, like "httpx>=0.27"');
  }
  const semicolon = text.indexOf(";");
  const marker = semicolon < 0 ? undefined : text.slice(semicolon + 1).trim();
  const body = (semicolon < 0 ? text : text.slice(0, semicolon)).trim();
  const name = NAME.exec(body)?.[0] ?? fail(text, "it does not start with a package name");
  const [extras, rest] = readExtras(text, body.slice(name.length).trim());
  const specifier = readSpecifier(text, rest);
  const problem = marker === undefined ? undefined : markerProblem(marker);
  if (problem !== undefined) fail(text, problem);
  return { name, extras, specifier, ...(marker === undefined ? {} : { marker }) };
}

/** The one spelling of a package's name: lower case, runs of `-`, `_`, `.` as one `-`. */
export function normalizeName(name: string): string {
  return name.toLowerCase().replaceAll(/[-_.]+/g, "-");
}

function foreignKind(text: string): string | undefined {
  if (text.startsWith("-")) return "options of pip";
  if (/^[\w.-]*\s*(?:\[[^\]]*\])?\s*@/.test(text)) return "requirements by URL, repository or path";
  if (/^[A-Za-z][A-Za-z0-9+.-]*:/.test(text)) return "requirements by URL or repository";
  const head = text.split(";", 1)[0] ?? "";
  if (/^[.~/\\]/.test(text) || /[/\\]/.test(head) || /\.(?:whl|zip|tar\.gz|tgz)\s*$/i.test(head)) {
    return "requirements by path";
  }
  return undefined;
}

function readExtras(text: string, rest: string): readonly [readonly string[], string] {
  if (!rest.startsWith("[")) return [[], rest];
  const end = rest.indexOf("]");
  if (end < 0) fail(text, 'the list of extras has no closing "]"');
  const inside = rest.slice(1, end).trim();
  const extras = inside === "" ? [] : inside.split(",").map((extra) => extra.trim());
  const wrong = extras.find((extra) => NAME.exec(extra)?.[0] !== extra || extra === "");
  if (wrong !== undefined) fail(text, `"${wrong}" is not the name of an extra`);
  return [extras, rest.slice(end + 1).trim()];
}

function readSpecifier(text: string, rest: string): string {
  const specifier = rest.startsWith("(") && rest.endsWith(")") ? rest.slice(1, -1).trim() : rest;
  const clauses = parseSpecifier(specifier);
  if ("problem" in clauses) fail(text, clauses.problem);
  return specifier;
}

function fail(text: string, problem: string, fix = 'Write it like "httpx>=0.27,<1"'): never {
  // what stands before an "@" can be a password
  const shown = text.slice(0, 120).replace(/\/\/[^/@\s]*@/, "//…@");
  throw new SkillError("invalid_script", `dependency ${JSON.stringify(shown)}: ${problem}`, { fix });
}
