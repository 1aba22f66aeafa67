import { describe, expect, it } from "vitest";
import {
  canTransition,
  isRunnable,
  isSkillStatus,
  requireTransition,
  SKILL_STATUSES,
} from "../../../src/lifecycle/records/status.ts";

const ALLOWED = [
  "pending testing",
  "testing active",
  "testing disabled",
  "testing quarantined",
  "active disabled",
  "active quarantined",
  "disabled active",
  "disabled quarantined",
  "quarantined disabled",
];

describe("canTransition", () => {
  it("allows exactly the steps of the table when every pair is tried", () => {
    const allowed = SKILL_STATUSES.flatMap((from) =>
      SKILL_STATUSES.filter((to) => canTransition(from, to)).map((to) => `${from} ${to}`)
    );
    expect(allowed.sort()).toEqual([...ALLOWED].sort());
  });
});

describe("requireTransition", () => {
  it("names what is allowed when a step is not", () => {
    expect(() => requireTransition("x", "quarantined", "active")).toThrow(
      expect.objectContaining({
        code: "invalid_transition",
        message: 'skill "x" is quarantined and cannot become active',
        fix: "from quarantined it can become disabled",
      }),
    );
  });

  it("does nothing when the step is allowed", () => {
    expect(requireTransition("x", "quarantined", "disabled")).toBeUndefined();
  });
});

describe("isRunnable", () => {
  it("holds for active alone", () => {
    expect(SKILL_STATUSES.filter(isRunnable)).toEqual(["active"]);
  });
});

describe("isSkillStatus", () => {
  it("tells names of statuses from other values", () => {
    expect([...SKILL_STATUSES, "Active", "", 1, null].filter(isSkillStatus)).toEqual(SKILL_STATUSES);
  });
});
