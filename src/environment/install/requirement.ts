import { SkillError } from "../../base/errors.ts";
import { parseSpecifier, type VersionClause } from "../../manifest/pep440.ts";
import { normalizeName, parseRequirement } from "../../manifest/requirements.ts";

/** A requirement to be installed: a package of the index, by name. */
export interface Requirement {
  readonly text: string;
  /** Normalised as in PEP 503. */
  readonly name: string;
  readonly clauses: readonly VersionClause[];
  /** Applies on some machines only. */
  readonly marker: string | undefined;
}

const MAX_REQUIREMENTS = 200;

/**
 * Reads requirements, refusing what could make a tool fetch from, build or run anything but a package of the index:
 * URLs, repositories, paths, options.
 *
 * @throws {SkillError} `dependency_refused`
 */
export function parseRequirements(texts: readonly string[]): readonly Requirement[] {
  if (texts.length > MAX_REQUIREMENTS) {
    throw new SkillError(
      "dependency_refused",
      `${texts.length} requirements are too many, the limit is ${MAX_REQUIREMENTS}`,
    );
  }
  return texts.map(read);
}

function read(text: string): Requirement {
  try {
    const { name, specifier, marker } = parseRequirement(text);
    const clauses = parseSpecifier(specifier);
    if ("problem" in clauses) throw new TypeError(clauses.problem);
    return { text: text.trim(), name: normalizeName(name), clauses, marker };
  } catch (error) {
    const { message, fix } = SkillError.from(error, "dependency_refused", "the requirement cannot be read");
    throw new SkillError("dependency_refused", message, {
      cause: error,
      fix: fix ?? 'write requirements like "httpx>=0.27"',
      details: { requirement: text.slice(0, 500), reason: "requirement_form" },
    });
  }
}
