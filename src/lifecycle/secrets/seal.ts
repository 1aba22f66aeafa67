import { Buffer } from "node:buffer";
import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto";

/** What a sealed value belongs to. A seal that is moved to another place does not open there. */
export interface SealPlace {
  /** The id of the home, which it keeps when it moves. */
  readonly home: string;
  /** The skill, or empty for the whole home. */
  readonly skill: string;
  readonly name: string;
}

const CIPHER = "aes-256-gcm";
const FORM = "v1";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** The key that stored secrets are sealed with, wherever it is kept. */
export interface SealKey {
  /** Where it is kept, for people. */
  readonly path: string;
  /** The key, or undefined when there is none yet. @throws {SkillError} `secrets_unusable` */
  find(): Uint8Array | undefined;
  /** The key, made when there is none yet. @throws {SkillError} `secrets_unusable` */
  findOrMake(): Uint8Array;
}

/** Bytes of a key. */
export const KEY_BYTES = 32;

/** Tells keys apart without telling anything of them. */
export function keyName(key: Uint8Array): string {
  return createHash("sha256").update("skillwright key name").update(key).digest("hex").slice(0, 12);
}

/** Encrypts and authenticates a value with AES-256-GCM, under a nonce of its own. The text is safe in JSON. */
export function seal(key: Uint8Array, value: string, place: SealPlace): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce).setAAD(placeBytes(place));
  const body = Buffer.concat([cipher.update(value, "utf8"), cipher.final(), cipher.getAuthTag()]);
  return [FORM, keyName(key), nonce.toString("base64url"), body.toString("base64url")].join(".");
}

/** The name of the key that a sealed text needs; undefined when it is no sealed text. */
export function keyNameOf(sealed: string): string | undefined {
  const parts = sealed.split(".");
  return parts.length === 4 && parts[0] === FORM ? parts[1] : undefined;
}

/** The value, or undefined when the text was changed, was sealed by another key, or for another place. */
export function unseal(key: Uint8Array, sealed: string, place: SealPlace): string | undefined {
  const [form, name, nonce, body] = sealed.split(".").map((part) => Buffer.from(part, "base64url"));
  if (form === undefined || name === undefined || nonce === undefined || body === undefined) return undefined;
  if (nonce.length !== NONCE_BYTES || body.length < TAG_BYTES) return undefined;
  try {
    const opener = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES }).setAAD(
      placeBytes(place),
    )
      .setAuthTag(body.subarray(-TAG_BYTES));
    return Buffer.concat([opener.update(body.subarray(0, -TAG_BYTES)), opener.final()]).toString("utf8");
  } catch {
    return undefined;
  }
}

/** No two places give the same bytes: JSON tells where one name ends. */
function placeBytes({ home, skill, name }: SealPlace): Buffer {
  return Buffer.from(JSON.stringify(["skillwright secret", FORM, home, skill, name]));
}
