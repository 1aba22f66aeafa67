import type { InstallOptions } from "./changes/install.ts";
import type { SkillLibrary } from "./skill-library.ts";
import type { Actor, SkillInfo as PythonSkillInfo, SkillStatus as PythonSkillStatus } from "./types.ts";

/** What the papers' functions work on: what `openSkills` gives, or its library. */
export type PythonSkills = SkillLibrary | { readonly library: SkillLibrary };

/** Who asks, for the audit, and what ends waiting. */
export interface PythonSkillOptions {
  readonly actor?: Actor;
  readonly signal?: AbortSignal;
}

/**
 * The papers' `install_python_skill`: installs a package as a candidate, `pending`; what serves goes on serving, and a
 * snapshot of it is kept.
 *
 * @throws {SkillError} as `SkillLibrary.install`
 */
export function installPythonSkill(
  skills: PythonSkills,
  packageDir: string,
  options?: InstallOptions,
): Promise<PythonSkillInfo> {
  return libraryOf(skills).install(packageDir, options);
}

/** The papers' `advance_python_skill_status`: one exact step of the table. @throws {SkillError} `invalid_transition`, `not_found` */
export function advancePythonSkillStatus(
  skills: PythonSkills,
  id: string,
  status: PythonSkillStatus,
  actor?: Actor,
): Promise<PythonSkillInfo> {
  return libraryOf(skills).advance(id, status, actor);
}

/** The papers' `disable_python_skill`: what serves, else the candidate, no longer runs; its script lies below `.state/disabled`. @throws {SkillError} */
export function disablePythonSkill(
  skills: PythonSkills,
  id: string,
  actor?: Actor,
): Promise<PythonSkillInfo> {
  return libraryOf(skills).disable(id, actor);
}

/** The papers' `quarantine_python_skill`: as `disablePythonSkill`, and `last_error` is the reason. @throws {SkillError} */
export function quarantinePythonSkill(
  skills: PythonSkills,
  id: string,
  reason: string,
  actor?: Actor,
): Promise<PythonSkillInfo> {
  return libraryOf(skills).quarantine(id, reason, actor);
}

/**
 * The papers' `activate_python_skill`: the candidate, else what served last, serves; `<id>.py` is there again, from the
 * installed build, and `last_error` is cleared.
 *
 * @throws {SkillError} `tests_failed`, `handshake_failed`, `tampered`
 */
export function activatePythonSkill(
  skills: PythonSkills,
  id: string,
  options?: PythonSkillOptions,
): Promise<PythonSkillInfo> {
  return libraryOf(skills).activate(id, options);
}

/** The papers' `rollback_python_skill`: what served before serves again, else the last known good snapshot. @throws {SkillError} `nothing_to_roll_back` */
export function rollbackPythonSkill(
  skills: PythonSkills,
  id: string,
  actor?: Actor,
): Promise<PythonSkillInfo> {
  return libraryOf(skills).rollback(id, actor);
}

/** The papers' `list_python_skills`: all skills, in the order of their ids. */
export function listPythonSkills(skills: PythonSkills): Promise<readonly PythonSkillInfo[]> {
  return libraryOf(skills).list();
}

function libraryOf(skills: PythonSkills): SkillLibrary {
  return "library" in skills ? skills.library : skills;
}
