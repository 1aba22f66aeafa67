import { SkillError } from "../base/errors.ts";
import { parseSpecifiers, type Specifier } from "./pep440.ts";

/** A requirement of a kind that is accepted: a package of the index, by name. */
export interface Requirement {
  readonly text: string;
  /** Normalised as in PEP 503. */
  readonly name: string;
  readonly specifiers: readonly Specifier[];
  /** Applies on some machines only. */
  readonly marker: string | undefined;
}

const MAX_REQUIREMENTS = 200;
const MAX_LENGTH = 500;
const FORM = /^([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[([A-Za-z0-9._,\s-]*)\])?\s*(.*)$/;

/**
 * Reads requirements, refusing what could make a tool fetch from, build or run anything but a package of the index:
 * URLs, repositories, paths, options.
 *
 * @throws {SkillError} `dependency_refused`
 */
export function parseRequirements(texts: readonly string[]): readonly Requirement[] {
  if (texts.length > MAX_REQUIREMENTS) {
    throw refused(`${texts.length} requirements are too many, the limit is ${MAX_REQUIREMENTS}`, "");
  }
  return texts.map(parseRequirement);
}

/** A package name as indexes compare it. */
export function normalizeName(name: string): string {
  return name.toLowerCase().replaceAll(/[-_.]+/g, "-");
}

function parseRequirement(text: string): Requirement {
  const shown = JSON.stringify(text.slice(0, 120));
  if (text.length > MAX_LENGTH) {
    throw refused(`requirement ${shown}… is ${text.length} characters long`, text);
  }
  if (!/^[ -~]*$/.test(text)) {
    throw refused(`requirement ${shown} holds other characters than printable ASCII`, text);
  }
  const semicolon = text.indexOf(";");
  const head = (semicolon < 0 ? text : text.slice(0, semicolon)).trim();
  if (/@|:\/\/|^[-./~]|\\/.test(head)) {
    throw refused(`requirement ${shown} names a URL, a path or an option, not a package of the index`, text);
  }
  const [, name, , rest = ""] = FORM.exec(head) ?? [];
  const specifiers = parseSpecifiers(rest.replace(/^\((.*)\)$/, "$1"));
  if (name === undefined || specifiers === undefined) {
    throw refused(`requirement ${shown} cannot be read`, text);
  }
  return {
    text: text.trim(),
    name: normalizeName(name),
    specifiers,
    marker: semicolon < 0 ? undefined : text.slice(semicolon + 1).trim(),
  };
}

function refused(message: string, requirement: string): SkillError {
  return new SkillError("dependency_refused", message, {
    fix: 'name packages like "httpx>=0.27"; they come from the configured package index as wheels',
    details: { requirement: requirement.slice(0, MAX_LENGTH), reason: "requirement_form" },
  });
}
