import type { SkillError, SkillErrorCode } from "./errors.ts";

/**
 * What can be expected of the same call, made again. `transient`: it may go well. `permanent`: it will not, before
 * something is changed. `limit`: a bound was hit, and it will be again. `policy`: it is not allowed.
 */
export type ErrorClass = "transient" | "permanent" | "limit" | "policy";

const CLASSES: Readonly<Record<SkillErrorCode, ErrorClass>> = {
  invalid_input: "permanent",
  invalid_output: "permanent",
  invalid_manifest: "permanent",
  invalid_script: "permanent",
  invalid_package: "permanent",
  invalid_intent: "permanent",
  not_found: "permanent",
  tool_not_found: "permanent",
  not_active: "permanent",
  invalid_transition: "permanent",
  nothing_to_roll_back: "permanent",
  conflict: "transient",
  disabled_by_config: "policy",
  mode_denied: "policy",
  untrusted_home: "policy",
  approval_required: "policy",
  digest_mismatch: "policy",
  tampered: "policy",
  permission_refused: "policy",
  home_unusable: "permanent",
  home_busy: "transient",
  secrets_missing: "permanent",
  secrets_unusable: "permanent",
  python_unavailable: "permanent",
  uv_unavailable: "permanent",
  dependency_refused: "policy",
  dependency_unsatisfiable: "permanent",
  index_unreachable: "transient",
  source_unreachable: "transient",
  environment_failed: "permanent",
  sandbox_unavailable: "policy",
  start_failed: "transient",
  handshake_failed: "permanent",
  timeout: "transient",
  cancelled: "permanent",
  limit_exceeded: "limit",
  message_too_large: "limit",
  protocol_error: "permanent",
  process_died: "transient",
  circuit_open: "transient",
  tool_failed: "permanent",
  queue_full: "limit",
  closed: "permanent",
  tests_failed: "permanent",
  validation_failed: "permanent",
  budget_exceeded: "limit",
  maker_failed: "transient",
  proposal_decided: "permanent",
};

/**
 * The class of an error. It follows from the code alone, but for two starts that fail the same way each time: a skill
 * that raises while it is loaded (`details.wire_code`), and one that died too often (`details.deaths`).
 */
export function errorClass({ code, details }: Pick<SkillError, "code" | "details">): ErrorClass {
  const known = details?.["wire_code"] !== undefined || details?.["deaths"] !== undefined;
  return code === "start_failed" && known ? "permanent" : CLASSES[code];
}
