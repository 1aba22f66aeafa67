import { SkillError } from "../../base/errors.ts";
import { KeyringKey } from "./keyring-key.ts";
import type { SealKey } from "./seal.ts";
import { SecretKey } from "./secret-key.ts";

/**
 * The key that this user's environment asks for: `SKILLWRIGHT_KEY` is `file`, the default, or `keyring`. Nothing is
 * looked at before the key is needed.
 *
 * @throws {SkillError} `invalid_input`
 */
export function sealKeyOfUser(env: Readonly<Record<string, string | undefined>>): SealKey {
  const asked = env["SKILLWRIGHT_KEY"] || "file";
  if (asked === "file") return new SecretKey();
  if (asked === "keyring") return new KeyringKey();
  throw new SkillError("invalid_input", `SKILLWRIGHT_KEY is "${asked}"`, { fix: "use file or keyring" });
}
