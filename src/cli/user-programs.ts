import type { OpenSkillsOptions } from "../skills.ts";
import type { BackendName } from "../sandbox/types.ts";
import { SkillError } from "../base/errors.ts";

const BACKENDS: readonly (BackendName | "auto")[] = ["auto", "bubblewrap", "landlock"];

/**
 * What this user's environment says of programs: `SKILLWRIGHT_PYTHON`, `SKILLWRIGHT_UV`, `SKILLWRIGHT_BWRAP` (absolute
 * paths) and `SKILLWRIGHT_SANDBOX` (auto, bubblewrap or landlock; no variable takes the sandbox away).
 *
 * @throws {SkillError} `invalid_input`
 */
export function programsOfUser(env: Readonly<Record<string, string | undefined>>): OpenSkillsOptions {
  const {
    SKILLWRIGHT_PYTHON: python,
    SKILLWRIGHT_UV: uv,
    SKILLWRIGHT_BWRAP: bwrap,
    SKILLWRIGHT_SANDBOX: name,
  } = env;
  const sandbox = BACKENDS.find((known) => known === (name || "auto"));
  if (sandbox === undefined) {
    throw new SkillError("invalid_input", `SKILLWRIGHT_SANDBOX is "${name}"`, {
      fix: `use one of ${BACKENDS.join(", ")}`,
    });
  }
  return {
    sandbox,
    programs: { ...(python ? { python } : {}), ...(uv ? { uv } : {}), ...(bwrap ? { bwrap } : {}) },
  };
}
