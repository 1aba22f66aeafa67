import { SkillError } from "../base/errors.ts";
import { nearest } from "../base/nearest.ts";
import type { SkillLibrary } from "../lifecycle/skill-library.ts";
import { isSkillStatus, SKILL_STATUSES } from "../lifecycle/records/status.ts";
import type { SkillInfo } from "../lifecycle/types.ts";

/** Answer of `list`. */
export interface SkillList {
  readonly skills: readonly SkillInfo[];
}

/**
 * The skills of a home, all or those of a status. What operation `list` does, for who cannot wait until all that other
 * operations need is loaded.
 *
 * @throws {SkillError} `invalid_input` for a status that there is not
 */
export async function listSkills(
  library: Pick<SkillLibrary, "list">,
  status?: unknown,
): Promise<SkillList> {
  if (status !== undefined && !isSkillStatus(status)) throw noSuchStatus(status);
  const all = await library.list();
  return { skills: status === undefined ? all : all.filter((info) => info.status === status) };
}

function noSuchStatus(status: unknown): SkillError {
  const near = nearest(String(status), SKILL_STATUSES);
  const known = SKILL_STATUSES.join(", ");
  return new SkillError("invalid_input", `${JSON.stringify(status)} is not a status`, {
    fix: near === undefined ? `use one of ${known}` : `did you mean "${near}"`,
    details: { issues: [{ path: "status", message: `must be one of ${known}` }] },
  });
}
