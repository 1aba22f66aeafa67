import type { SecretSource } from "../programs/program.ts";

/** Environment variables of the host that give secrets begin so: no skill gets any other by naming it. */
export const SECRET_PREFIX = "SKILLWRIGHT_SECRET_";

/**
 * Where the value of a credential comes from, first match: the host's code, what is stored for the skill, what is
 * stored for the home, and the host's environment as `SKILLWRIGHT_SECRET_<NAME>`.
 */
export function secretSource(
  given: SecretSource | undefined,
  stored: SecretSource,
  env: Readonly<Record<string, string | undefined>>,
): SecretSource {
  return (skill, name) => {
    const value = given?.(skill, name) ?? stored(skill, name);
    if (value !== undefined) return value;
    const set = env[`${SECRET_PREFIX}${name}`];
    return set === "" ? undefined : set;
  };
}
