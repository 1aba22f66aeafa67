import { SkillError } from "../../base/errors.ts";
import type { SkillStatus } from "../types.ts";

/** Every status, in the order of a life. */
export const SKILL_STATUSES: readonly [SkillStatus, ...SkillStatus[]] = [
  "pending",
  "testing",
  "active",
  "disabled",
  "quarantined",
];

const NEXT: Readonly<Record<SkillStatus, readonly SkillStatus[]>> = {
  pending: ["testing"],
  testing: ["active", "disabled", "quarantined"],
  active: ["disabled", "quarantined"],
  disabled: ["active", "quarantined"],
  quarantined: ["disabled"],
};

/** Whether a generation may go from one status to another in one step. */
export function canTransition(from: SkillStatus, to: SkillStatus): boolean {
  return NEXT[from].includes(to);
}

/** Whether calls may go to a generation of this status: only `active`. */
export function isRunnable(status: SkillStatus): boolean {
  return status === "active";
}

/** Whether `value` names a status. */
export function isSkillStatus(value: unknown): value is SkillStatus {
  return typeof value === "string" && (SKILL_STATUSES as readonly string[]).includes(value);
}

/** Does nothing when the step is allowed. @throws {SkillError} `invalid_transition`, naming what is allowed */
export function requireTransition(id: string, from: SkillStatus, to: SkillStatus): void {
  if (canTransition(from, to)) return;
  throw new SkillError("invalid_transition", `skill "${id}" is ${from} and cannot become ${to}`, {
    fix: `from ${from} it can become ${NEXT[from].join(" or ")}`,
    details: { id, from, to, allowed: NEXT[from] },
  });
}
