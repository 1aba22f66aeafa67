import type { Home } from "../home/home.ts";
import { requireTrusted } from "../home/home.ts";
import type { SecretInfo } from "../secrets/secret-store.ts";
import type { Actor } from "../types.ts";
import {
  exportSecrets,
  type ImportedSecrets,
  importSecrets,
  missingSecrets,
  removeSecret,
  type SecretsDocument,
  setSecret,
} from "./secret-changes.ts";

/** A secret's place: `skill` left out is the whole home. */
export interface SecretPlace {
  readonly skill?: string | undefined;
  readonly name: string;
}

/**
 * The secrets of a home: sealed at rest, handed to a skill that declares their names, redacted in what comes back.
 * All throw `untrusted_home` in a home that is not trusted.
 */
export interface SkillSecrets {
  /** @throws {SkillError} `not_found` for the skill, `invalid_input`, `secrets_unusable` */
  set(secret: SecretPlace & { readonly value: string }, actor?: Actor): Promise<SecretInfo>;
  /** @throws {SkillError} `not_found` */
  remove(place: SecretPlace, actor?: Actor): Promise<void>;
  /** Names, never values. */
  list(skill?: string): readonly SecretInfo[];
  /** Values are left out unless `show` asks for them. */
  export(options?: { readonly skill?: string | undefined; readonly show?: boolean }): SecretsDocument;
  import(
    document: SecretsDocument,
    options?: { readonly skill?: string | undefined; readonly actor?: Actor },
  ): Promise<ImportedSecrets>;
  /** Required credentials of a skill that have no value. @throws {SkillError} `not_found` */
  missing(id: string): readonly string[];
}

/** The secrets of an opened home. */
export function secretsOf(home: Home): SkillSecrets {
  return {
    set: ({ skill, name, value }, actor) => setSecret(home, { skill: skill ?? null, name, value }, actor),
    remove: ({ skill, name }, actor) => removeSecret(home, { skill: skill ?? null, name }, actor),
    list(skill) {
      requireTrusted(home);
      if (skill !== undefined) home.view.get(skill);
      return home.secrets.list(skill);
    },
    export: ({ skill, show = false } = {}) => exportSecrets(home, { skill, show }),
    import: (document, { skill, actor } = {}) =>
      importSecrets(home, document, { skill, ...(actor === undefined ? {} : { actor }) }),
    missing: (id) => missingSecrets(home, id),
  };
}
