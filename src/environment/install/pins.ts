import { SkillError } from "../../base/errors.ts";
import { parsePythonVersion, satisfiesClauses } from "../../manifest/pep440.ts";
import { normalizeName } from "../../manifest/requirements.ts";
import type { Requirement } from "./requirement.ts";

/** One exact package that may be installed. */
export interface Pin {
  /** Normalised. */
  readonly name: string;
  readonly version: string;
  readonly marker: string | undefined;
  /** SHA-256 of the files that are accepted, lower-case hexadecimal. */
  readonly hashes: readonly string[];
}

const LINE =
  /^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;@]+)(?:\s*;\s*([^@]*?))?((?:\s+--hash=sha256:[0-9a-f]{64})+)$/;
const MAX_PINS = 2000;

/**
 * Reads a requirements file and refuses every line that is not `name==version` with SHA-256 hashes, so that nothing
 * but known files of the index can be installed from it. Every requirement must have its pin, at a version that it
 * allows: a changed lock could otherwise leave one out and bring another package.
 *
 * @throws {SkillError} `dependency_refused`
 */
export function checkPins(text: string, requirements: readonly Requirement[]): readonly Pin[] {
  const lines = text.replaceAll(/\\\r?\n/g, " ").split(/\r?\n/).map((line) => line.trim()).filter((line) =>
    line !== ""
  );
  if (lines.length > MAX_PINS) {
    throw refused(`${lines.length} pins are too many, the limit is ${MAX_PINS}`, {});
  }
  const pins = lines.map(readPin);
  for (const requirement of requirements) checkRequirement(requirement, pins);
  return pins;
}

function readPin(line: string): Pin {
  const shown = JSON.stringify(line.slice(0, 120));
  const [, name = "", version = "", marker, hashes = ""] = LINE.exec(line) ?? [];
  if (name === "") {
    const reason = /^[A-Za-z0-9._-]+==[^\s;]+[^@]*$/.test(line) ? "pin_without_hash" : "pin_form";
    throw refused(`pin ${shown} is not "name==version" with SHA-256 hashes`, {
      pin: line.slice(0, 500),
      reason,
    });
  }
  if (parsePythonVersion(version) === undefined) {
    throw refused(`pin ${shown} has no readable version`, { pin: line.slice(0, 500), reason: "pin_form" });
  }
  const digests = [...hashes.matchAll(/sha256:([0-9a-f]{64})/g)].map(([, digest = ""]) => digest);
  return { name: normalizeName(name), version, marker, hashes: digests };
}

function checkRequirement(requirement: Requirement, pins: readonly Pin[]): void {
  const own = pins.filter((pin) => pin.name === requirement.name);
  if (own.length === 0 && requirement.marker === undefined) {
    throw refused(`no pin stands for the requirement "${requirement.text}"`, {
      requirement: requirement.text,
      reason: "pin_missing",
    });
  }
  for (const pin of own) {
    // with a marker, one of several pins of the package may stand for another requirement
    const judged = requirement.marker === undefined && pin.marker === undefined;
    const version = parsePythonVersion(pin.version);
    if (judged && (version === undefined || !satisfiesClauses(version, requirement.clauses))) {
      throw refused(`pin "${pin.name}==${pin.version}" does not fulfil "${requirement.text}"`, {
        requirement: requirement.text,
        pin: `${pin.name}==${pin.version}`,
        reason: "pin_version",
      });
    }
  }
}

function refused(message: string, details: Readonly<Record<string, unknown>>): SkillError {
  return new SkillError("dependency_refused", message, {
    fix: "make the environment anew from the requirements; a lock from elsewhere is not accepted",
    details,
  });
}
