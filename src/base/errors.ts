import { inspect } from "node:util";

/**
 * Every code a `SkillError` can carry, with what it means. The list is closed: callers may switch over it.
 * Codes of the JSON-RPC wire (negative numbers) are another space; they travel in `details.wire_code`.
 */
export const SKILL_ERROR_CODES = {
  // what was given
  invalid_input: "an argument or a tool's input does not fit its schema",
  invalid_output: "a tool answered something that does not fit its output schema",
  invalid_manifest: "a manifest cannot be read or breaks a rule",
  invalid_script: "an entry script, or its PEP 723 header, breaks a rule",
  invalid_package: "a package holds something that is refused: links, devices, too many or too large files",
  invalid_intent: "an intent is empty or too long",
  // what was asked for
  not_found: "no such skill, version, proposal or file",
  tool_not_found: "the skill has no such tool",
  not_active: "the skill has no active generation",
  invalid_transition: "the status does not allow this change",
  nothing_to_roll_back: "neither a previous generation nor a snapshot exists",
  conflict: "another process changed the same thing first",
  disabled_by_config: "this kind of skill is switched off in the home's settings",
  mode_denied: "the tool mode does not allow this operation",
  // trust and approval
  untrusted_home: "the home was found, not made or trusted by this user",
  approval_required: "nothing is installed before a person approves it",
  digest_mismatch: "the approval, or a lock, belongs to other bytes",
  tampered: "files on disk differ from what was installed",
  permission_refused: "the host's policy does not allow what the skill asks for",
  // the home
  home_unusable: "the home cannot be opened, read or written",
  home_busy: "another process holds the home's lock for too long",
  secrets_missing: "a skill needs secrets that nobody has set",
  secrets_unusable: "stored secrets cannot be read: their key is missing or another, or they were changed",
  // environment
  python_unavailable: "no suitable Python interpreter was found",
  uv_unavailable: "uv is needed and neither found nor allowed to be installed",
  dependency_refused: "a requirement of a kind that is not accepted, or a pin that fails its check",
  dependency_unsatisfiable: "no set of versions fulfils the requirements",
  source_unreachable: "what a package was to come from cannot be reached",
  index_unreachable: "the package index cannot be reached",
  environment_failed: "the environment could not be built",
  // sandbox
  sandbox_unavailable: "the sandbox here cannot enforce what the policy asks for",
  // running
  start_failed: "the skill's process ended or stayed silent before it was ready",
  handshake_failed: "the skill answered the handshake wrongly",
  timeout: "a deadline passed",
  cancelled: "the caller cancelled",
  limit_exceeded: "a resource limit was hit",
  message_too_large: "a message is longer than the limit",
  protocol_error: "the skill broke the protocol",
  process_died: "the skill's process ended during a call",
  circuit_open: "the skill failed so often that it is left alone for a while",
  tool_failed: "the tool itself reported an error",
  queue_full: "too many calls are waiting",
  closed: "the object was closed",
  // testing and making
  tests_failed: "the skill's tests did not pass",
  validation_failed: "the package has findings of severity error",
  budget_exceeded: "turns, rounds, tokens or time ran out",
  maker_failed: "the model that writes the skill could not be used",
  proposal_decided: "the proposal was already approved or rejected",
} as const;

/** A code of the closed list `SKILL_ERROR_CODES`. */
export type SkillErrorCode = keyof typeof SKILL_ERROR_CODES;

/** What an error tells besides its message. `fix` says what to do; the rest is data for programs. */
export interface SkillErrorOptions {
  readonly cause?: unknown;
  /** What the reader can do about it, one sentence without a final period. */
  readonly fix?: string;
  /** Plain data for programs. Never a secret. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** An error as plain data: what tools, the host and `--json` show. */
export interface SkillErrorValue {
  readonly code: SkillErrorCode;
  readonly message: string;
  readonly fix?: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

const BRAND = "skillwright.SkillError";

/** The one error class of this library. Test for it with `SkillError.isInstance`, which works across copies of the package. */
export class SkillError extends Error {
  override readonly name = "SkillError";
  readonly code: SkillErrorCode;
  readonly fix: string | undefined;
  readonly details: Readonly<Record<string, unknown>> | undefined;
  /** What `isInstance` looks for. */
  readonly brand: typeof BRAND = BRAND;

  constructor(code: SkillErrorCode, message: string, options: SkillErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.fix = options.fix;
    this.details = options.details;
  }

  /** Whether `value` is a `SkillError` of this or another copy of the package. */
  static isInstance(value: unknown): value is SkillError {
    return typeof value === "object" && value !== null && "brand" in value && value.brand === BRAND;
  }

  /** The error as plain data, without its stack. */
  toValue(): SkillErrorValue {
    return {
      code: this.code,
      message: this.message,
      ...(this.fix === undefined ? {} : { fix: this.fix }),
      ...(this.details === undefined ? {} : { details: this.details }),
    };
  }

  /** `value` itself when it is a `SkillError`; anything else wrapped, with `code` and its message. */
  static from(value: unknown, code: SkillErrorCode, what: string): SkillError {
    if (SkillError.isInstance(value)) return value;
    const reason = value instanceof Error ? value.message : inspect(value);
    return new SkillError(code, `${what}: ${reason}`, { cause: value });
  }
}
