import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import { createRequire } from "node:module";
import { SkillError } from "../../base/errors.ts";
import { KEY_BYTES, type SealKey } from "./seal.ts";

const PACKAGE = "@napi-rs/keyring", SERVICE = "skillwright", ACCOUNT = "secrets";

/** One entry of the system's keyring. */
export interface KeyringEntry {
  getPassword(): string | null;
  setPassword(password: string): void;
}

/**
 * The key for stored secrets in the keyring of the system, which opens with the user's login. For who asks for it, and
 * has the package `@napi-rs/keyring`; there is no silent way back to a file.
 */
export class KeyringKey implements SealKey {
  readonly path: string = `entry "${SERVICE}" of the system's keyring`;
  readonly #open: () => KeyringEntry;
  #bytes: Uint8Array | undefined;

  /** @param open gives the entry; what it throws is told as the reason */
  constructor(open: () => KeyringEntry = openEntry) {
    this.#open = open;
  }

  /** The key, or undefined when there is none yet. @throws {SkillError} `secrets_unusable` */
  find(): Uint8Array | undefined {
    return this.#bytes ??= this.#ask((entry) => keyOf(entry.getPassword()));
  }

  /** The key, made when there is none yet. @throws {SkillError} `secrets_unusable` */
  findOrMake(): Uint8Array {
    const found = this.find();
    if (found !== undefined) return found;
    this.#ask((entry) => entry.setPassword(randomBytes(KEY_BYTES).toString("base64")));
    const made = this.find();
    if (made !== undefined) return made;
    throw unusable(new Error("it did not keep the key"));
  }

  #ask<T>(what: (entry: KeyringEntry) => T): T {
    try {
      return what(this.#open());
    } catch (error) {
      throw unusable(error);
    }
  }
}

function openEntry(): KeyringEntry {
  const load = createRequire(import.meta.url);
  const { Entry } = load(PACKAGE) as { Entry: new (service: string, account: string) => KeyringEntry };
  return new Entry(SERVICE, ACCOUNT);
}

function keyOf(stored: string | null): Uint8Array | undefined {
  if (stored === null) return undefined;
  const key = Buffer.from(stored, "base64");
  if (key.length === KEY_BYTES) return key;
  throw new Error("what it holds is no key");
}

function unusable(error: unknown): SkillError {
  if (SkillError.isInstance(error)) return error;
  const missing = (error as { code?: unknown }).code === "MODULE_NOT_FOUND";
  const reason = missing ? `the package "${PACKAGE}" is not installed` : (error as Error).message;
  return new SkillError("secrets_unusable", `the system's keyring cannot be used: ${reason}`, {
    cause: error,
    fix: `${
      missing ? `npm install ${PACKAGE}` : "unlock it, or log in at a desktop"
    }, or set SKILLWRIGHT_KEY=file`,
  });
}
