import { expect, test } from "vitest";
import { errorClass } from "../../src/base/error-class.ts";
import { SKILL_ERROR_CODES, SkillError, type SkillErrorCode } from "../../src/base/errors.ts";

const classOf = (code: SkillErrorCode, details: Record<string, unknown> = {}) =>
  errorClass(new SkillError(code, "x", { details }));

test("errorClass knows a class for every code", () => {
  const codes = Object.keys(SKILL_ERROR_CODES) as SkillErrorCode[];
  const of = (name: string) => codes.filter((code) => classOf(code) === name);
  expect(of("transient").toSorted().join(" ")).toBe(
    "circuit_open conflict home_busy index_unreachable maker_failed process_died source_unreachable start_failed timeout",
  );
  expect(of("limit")).toEqual(["limit_exceeded", "message_too_large", "queue_full", "budget_exceeded"]);
  expect(of("policy").toSorted().join(" ")).toBe(
    "approval_required dependency_refused digest_mismatch disabled_by_config mode_denied permission_refused " +
      "sandbox_unavailable tampered untrusted_home",
  );
  expect(of("permanent")).toEqual(expect.arrayContaining(["invalid_input", "tool_failed", "cancelled"]));
  const known = ["transient", "permanent", "limit", "policy"].flatMap(of);
  expect(known.toSorted()).toEqual(codes.toSorted());
});

test("errorClass takes a start that fails the same way each time as permanent", () => {
  expect(classOf("start_failed", { exit_code: 1 })).toBe("transient");
  expect(classOf("start_failed", { wire_code: -32003 })).toBe("permanent");
  expect(classOf("start_failed", { deaths: 6 })).toBe("permanent");
});
