import { Buffer } from "node:buffer";
import { SkillError } from "../../base/errors.ts";
import type { Json } from "../../base/json.ts";

/** Shorter values are found in everything: hiding them would only spoil what is shown. */
const SHORTEST = 4;
const MASK = 0x2a;

/** Takes the values of secrets out of what a skill gives back. Only whole values are found, not encoded ones. */
export class Redactor {
  readonly #secrets: readonly (readonly [value: string, mark: string])[];

  constructor(secrets: Readonly<Record<string, string>>) {
    this.#secrets = Object.entries(secrets)
      .filter(([, value]) => value.length >= SHORTEST)
      .map(([name, value]) => [value, `[redacted ${name}]`] as const)
      .toSorted(([a], [b]) => b.length - a.length);
  }

  text(text: string): string {
    let clean = text;
    for (const [value, mark] of this.#secrets) clean = clean.replaceAll(value, mark);
    return clean;
  }

  /**
   * Passes on a text that comes in pieces, which may cut a value anywhere: what may be the beginning of one waits for
   * the next piece.
   */
  pieces(onText: (text: string) => void): (piece: string) => void {
    if (this.#secrets.length === 0) return onText;
    let held = "";
    return (piece) => {
      const all = this.text(held + piece);
      const end = this.#startOfValue(all);
      held = all.slice(end);
      if (end > 0) onText(all.slice(0, end));
    };
  }

  value(value: Json): Json {
    return this.#secrets.length === 0 ? value : this.#walk(value);
  }

  error(error: SkillError): SkillError {
    if (this.#secrets.length === 0) return error;
    const { code, message, fix, details, cause } = error;
    return new SkillError(code, this.text(message), {
      ...(fix === undefined ? {} : { fix: this.text(fix) }),
      ...(details === undefined ? {} : { details: this.#walk(details as Json) as Record<string, unknown> }),
      ...(cause === undefined ? {} : { cause }),
    });
  }

  /** Names are redacted, and values inside files are overwritten by asterisks of the same length. */
  files(files: Readonly<Record<string, Uint8Array>>): Readonly<Record<string, Uint8Array>> {
    if (this.#secrets.length === 0) return files;
    return Object.fromEntries(
      Object.entries(files).map(([path, data]) => [this.text(path), this.#bytes(data)]),
    );
  }

  /** Where, at the end of `text`, a value may have begun; its length when none has. */
  #startOfValue(text: string): number {
    const starts = this.#secrets.map(([value]) => {
      let at = Math.max(0, text.length - value.length + 1);
      while (at < text.length && !value.startsWith(text.slice(at))) at++;
      return at;
    });
    return Math.min(text.length, ...starts);
  }

  #bytes(data: Uint8Array): Uint8Array {
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    for (const [value] of this.#secrets) {
      const secret = Buffer.from(value);
      for (let at = bytes.indexOf(secret); at >= 0; at = bytes.indexOf(secret, at + secret.length)) {
        bytes.fill(MASK, at, at + secret.length);
      }
    }
    return data;
  }

  #walk(value: Json): Json {
    if (typeof value === "string") return this.text(value);
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) return (value as readonly Json[]).map((item) => this.#walk(item));
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [this.text(key), this.#walk(inner)]),
    );
  }
}
