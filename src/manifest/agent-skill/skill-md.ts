import { SkillError } from "../../base/errors.ts";
import { decodeUtf8, isObject } from "../../base/json.ts";
import type { Finding } from "../types.ts";
import { type FrontMatter, readFrontMatter } from "./front-matter.ts";

/** The `SKILL.md` of an Agent Skills folder. */
export interface SkillMd {
  readonly name: string;
  readonly description: string;
  /** What is text in `metadata`. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly body: string;
  /** Where it leaves the specification, and what is not heeded here. */
  readonly findings: readonly Finding[];
}

/** The largest file, in bytes. */
export const MAX_SKILL_MD_BYTES: number = 256 * 1024;
const LIMITS = { name: 64, description: 1024, compatibility: 500 } as const;
const FIELDS = ["name", "description", "license", "compatibility", "metadata", "allowed-tools"];

/** The names that a folder's instructions may have, the first that is there counts. */
export const SKILL_MD_NAMES: readonly string[] = ["SKILL.md", "skill.md"];

/**
 * Reads a `SKILL.md` after the specification of [Agent Skills](https://agentskills.io/specification). What leaves it but
 * can be understood is a warning.
 *
 * @param folder name of the folder it stands in; absent: unknown, as in an archive
 * @throws {SkillError} `invalid_manifest` with file and line
 */
export function readSkillMd(bytes: Uint8Array, file: string, folder?: string): SkillMd {
  if (bytes.byteLength > MAX_SKILL_MD_BYTES) {
    throw new SkillError(
      "invalid_manifest",
      `${file} is ${bytes.byteLength} bytes long, the limit is ${MAX_SKILL_MD_BYTES}`,
    );
  }
  const text = decodeUtf8(bytes, file, "invalid_manifest").replace(/^\uFEFF/, "");
  const front = readFrontMatter(text, file);
  const name = textOf(front, "name", file).normalize("NFKC"),
    description = textOf(front, "description", file);
  return {
    name,
    description,
    metadata: metadataOf(front, file),
    body: front.body,
    findings: findingsOf(front, { name, description, file, folder }),
  };
}

function textOf(front: FrontMatter, key: "name" | "description", file: string): string {
  const value = front.data[key];
  if (value === undefined || value === "") {
    throw new SkillError("invalid_manifest", `${file}: the field "${key}" is missing`, {
      fix: `Write ${key}: … between the --- lines`,
      details: { file },
    });
  }
  if (typeof value === "string") return value.trim();
  throw mustBe(front, key, file, "text");
}

/** What is not text is for other programs. */
function metadataOf(front: FrontMatter, file: string): Readonly<Record<string, string>> {
  const { metadata = {} } = front.data;
  // a key with nothing below it
  if (metadata === "") return {};
  if (!isObject(metadata)) throw mustBe(front, "metadata", file, "a map");
  return Object.fromEntries(
    Object.entries(metadata).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}

function mustBe({ lines }: FrontMatter, key: string, file: string, what: string): SkillError {
  const line = lines[key] ?? 1;
  return new SkillError("invalid_manifest", `${file} line ${line}: ${key} must be ${what}`, {
    details: { file, line },
  });
}

interface Named {
  readonly name: string;
  readonly description: string;
  readonly file: string;
  readonly folder: string | undefined;
}

function findingsOf(front: FrontMatter, { name, description, file, folder }: Named): readonly Finding[] {
  const { data, lines, unquoted } = front;
  const found: Finding[] = [];
  const tell = (severity: Finding["severity"], key: string, message: string, fix: string): void => {
    const line = lines[key];
    found.push({
      severity,
      rule: "agent-skill/specification",
      message,
      fix,
      file,
      ...(line === undefined ? {} : { line }),
    });
  };
  for (const message of nameProblems(name)) {
    tell("warning", "name", `name "${name.slice(0, 80)}" ${message}`, "Use a name like my-skill");
  }
  if (folder !== undefined && folder.normalize("NFKC") !== name) {
    tell("warning", "name", `the folder "${folder}" must match the name "${name}"`, "Rename one of them");
  }
  const { compatibility } = data;
  for (const [key, value] of [["description", description], ["compatibility", compatibility]] as const) {
    if (typeof value === "string" && lengthOf(value) > LIMITS[key]) {
      tell("warning", key, `${key} exceeds ${LIMITS[key]} characters`, "Make it shorter");
    }
  }
  const unexpected = Object.keys(data).filter((key) => !FIELDS.includes(key));
  for (const key of unexpected) {
    tell("warning", key, `unexpected field "${key}" is not heeded`, `Known fields: ${FIELDS.join(", ")}`);
  }
  for (const key of unquoted) {
    tell("warning", key, `the value of "${key}" holds ": ", which YAML refuses`, "Write it in quotes");
  }
  if (data["allowed-tools"] !== undefined) {
    tell(
      "hint",
      "allowed-tools",
      "allowed-tools grants nothing: its scripts run in the sandbox, without any permission",
      "What it needs is granted by [security.permissions] of a manifest.toml",
    );
  }
  return found;
}

/** In characters, as the specification counts. */
function lengthOf(text: string): number {
  return Array.from(text).length;
}

function nameProblems(name: string): readonly string[] {
  return [
    ...(lengthOf(name) > LIMITS.name ? [`exceeds ${LIMITS.name} characters`] : []),
    ...(name === name.toLowerCase() ? [] : ["must be lowercase"]),
    ...(/^-|-$/.test(name) ? ["cannot start or end with a hyphen"] : []),
    ...(name.includes("--") ? ["cannot have consecutive hyphens"] : []),
    ...(/[^\p{L}\p{M}\p{N}-]/u.test(name) ? ["has invalid characters"] : []),
  ];
}
