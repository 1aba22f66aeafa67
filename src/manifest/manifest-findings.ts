import type { core } from "zod";
import type { Json } from "../base/json.ts";
import { nearest } from "../base/nearest.ts";
import { keysAt } from "./manifest-model.ts";
import type { TomlData } from "./toml.ts";
import type { Finding } from "./types.ts";

/** A manifest as data, and where its keys stand. */
export interface ManifestSource {
  readonly data: TomlData;
  /** Shown in findings. */
  readonly file: string;
  readonly lineOf: (path: readonly (string | number)[]) => number | undefined;
}

type Path = readonly (string | number)[];

/** What a manifest has wrong, in the words of its writer: file, line, key, value found, and the fix. */
export function findingsOf(issues: readonly core.$ZodIssue[], source: ManifestSource): readonly Finding[] {
  return issues.flatMap((issue) => explain(issue, issue.path as Path, source)).map(({ path, ...told }) => {
    const line = source.lineOf(path);
    return {
      severity: "error" as const,
      ...told,
      file: source.file,
      ...(line === undefined ? {} : { line }),
    };
  }).sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
}

interface Told {
  readonly path: Path;
  readonly rule: string;
  readonly message: string;
  readonly fix?: string;
}

/** How a key that must be there is written. */
const EXAMPLES: Readonly<Record<string, string>> = {
  id: 'id = "roman_numerals"',
  name: 'name = "Roman numerals"',
  version: 'version = "1.0.0"',
  input_schema: 'input_schema = { type = "object", properties = { number = { type = "integer" } } }',
  output_schema: 'output_schema = { type = "string" }',
  tools: '[[tools]], then name = "…" and the rest, once for each tool',
  credentials: '[[credentials]], then name = "API_KEY" and the rest, once for each',
  triggers: 'triggers = ["a sentence that should find the skill"]',
  network_access: 'network_access = false, or a list like ["api.example.org"]',
  dependencies:
    '[dependencies], then other-skill = "^1.0.0"; packages of Python go into the script\'s header',
  provides: '[provides], then other-skill = "1.2.0"',
};

function explain(issue: core.$ZodIssue, path: Path, source: ManifestSource): readonly Told[] {
  const name = dotted(path);
  const value = valueAt(source.data, path);
  const found = `found ${show(value)}`;
  const told = (rule: string, message: string, fix?: string): readonly Told[] => [
    { path, rule: `manifest/${rule}`, message, ...(fix === undefined ? {} : { fix }) },
  ];
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => unknownKey(path, key));
    case "invalid_type":
      if (value === undefined) return told("missing-key", `${name} is missing`, exampleFix(path));
      return told("wrong-type", `${name} must be ${article(issue.expected)}, ${found}`, exampleFix(path));
    case "invalid_value":
      return told(
        "wrong-value",
        `${name} must be ${alternatives(issue.values)}, ${found}`,
        suggestion(value, issue.values),
      );
    case "invalid_union":
      return explainUnion(issue, path, source);
    case "invalid_key":
      return issue.issues.flatMap((inner) => told("wrong-value", `${name}: ${inner.message}`, fixOf(inner)));
    case "too_small":
      return told("wrong-value", `${name} must be ${small(issue)}, ${found}`);
    case "too_big":
      return told("wrong-value", `${name} must be ${big(issue)}, ${found}`);
    case "invalid_format":
      return told("wrong-value", `${name}: not accepted, ${found}`, issue.message);
    case "custom":
      // of a list or table the message itself tells what was found inside
      return told(
        "wrong-value",
        `${name}: ${issue.message}${isScalar(value) ? `, ${found}` : ""}`,
        fixOf(issue),
      );
    // the model has no check of these kinds
    case "invalid_element":
    case "not_multiple_of":
    default:
      return told("wrong-value", `${name}: ${issue.message}, ${found}`);
  }
}

/** What a check of the model's own says to do. */
function fixOf(issue: core.$ZodIssue): string | undefined {
  const fix: unknown = issue.code === "custom" ? issue.params?.["fix"] : undefined;
  return typeof fix === "string" ? fix : undefined;
}

function isScalar(value: Json | undefined): boolean {
  return value !== undefined && (typeof value !== "object" || value === null);
}

function unknownKey(path: Path, key: string): Told {
  const known = keysAt(path);
  const near = nearest(key.slice(0, 100), known);
  const elsewhere = [["security"], ["security", "permissions"], ["security", "resource_limits"], ["metadata"]]
    .find((place) => keysAt(place).includes(key));
  const fix = near !== undefined
    ? `Did you mean "${near}"?`
    : elsewhere !== undefined
    ? `Write it below [${elsewhere.join(".")}]`
    : `Known keys here: ${known.join(", ")}`;
  return {
    path: [...path, key],
    rule: "manifest/unknown-key",
    message: `unknown key ${dotted([...path, key])}`,
    fix,
  };
}

/** `network_access` is the one union: a list that has something wrong, or none of what it may be. */
function explainUnion(
  issue: core.$ZodIssueInvalidUnion,
  path: Path,
  source: ManifestSource,
): readonly Told[] {
  const value = valueAt(source.data, path);
  const inside = issue.errors.flat().filter((inner) => inner.path.length > 0 || inner.code === "too_big");
  if (Array.isArray(value) && inside.length > 0) {
    return inside.flatMap((inner) => explain(inner, [...path, ...(inner.path as Path)], source));
  }
  const message = `${dotted(path)} must be true, false or a list of hosts, found ${show(value)}`;
  return [{ path, rule: "manifest/wrong-type", message, fix: `Write ${EXAMPLES["network_access"]}` }];
}

function exampleFix(path: Path): string | undefined {
  const example = EXAMPLES[String(path.at(-1))];
  return example === undefined ? undefined : `Write ${example}`;
}

function suggestion(value: Json | undefined, values: readonly unknown[]): string | undefined {
  const near = typeof value === "string" ? nearest(value.slice(0, 100), values.map(String)) : undefined;
  return near === undefined ? undefined : `Did you mean "${near}"?`;
}

const ARTICLES: Readonly<Record<string, string>> = {
  string: "text in quotes",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a table",
  record: "a table",
};

function article(expected: string): string {
  return ARTICLES[expected] ?? expected;
}

function alternatives(values: readonly unknown[]): string {
  return values.map((value) => JSON.stringify(value)).join(" or ");
}

function small({ origin, minimum, inclusive }: core.$ZodIssueTooSmall): string {
  if (origin === "string") return "not empty";
  return `${inclusive === false ? "above" : "at least"} ${minimum}`;
}

function big({ origin, maximum }: core.$ZodIssueTooBig): string {
  const unit = origin === "string" ? " characters long" : origin === "array" ? " entries long" : "";
  return `at most ${maximum}${unit}`;
}

/** `tools[0].name`, as people write it. */
function dotted(path: Path): string {
  const text = path.map((part) => typeof part === "number" ? `[${part}]` : `.${part}`).join("");
  return text.replace(/^\./, "").slice(0, 160) || "the manifest";
}

function valueAt(data: TomlData, path: Path): Json | undefined {
  let at: unknown = data;
  for (const key of path) {
    at = typeof at === "object" && at !== null && Object.hasOwn(at, key)
      ? at[key as keyof typeof at]
      : undefined;
  }
  return at as Json | undefined;
}

function show(value: Json | undefined): string {
  if (value === undefined) return "nothing";
  if (typeof value === "object" && value !== null) {
    return Array.isArray(value) ? `a list of ${value.length}` : "a table";
  }
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
