import { SkillError } from "../../base/errors.ts";
import { nearest } from "../../base/nearest.ts";
import { commit, type Home, requireTrusted } from "../home/home.ts";
import { shownGeneration } from "../records/skill-record.ts";
import type { SecretInfo } from "../secrets/secret-store.ts";
import type { Actor } from "../types.ts";

/** Stands in an export where a value is not shown. Importing it changes nothing. */
export const REDACTED = "<redacted>";

/** Names that are environment variables everywhere. */
const SECRET_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;
const MOST_BYTES = 16 * 1024;

/** Secrets by name, of the home and of each skill: what `export` gives and `import` takes. */
export interface SecretsDocument {
  readonly format: 1;
  readonly home: Readonly<Record<string, string>>;
  readonly skills: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** What an import did. */
export interface ImportedSecrets {
  readonly set: readonly { readonly skill_id: string | null; readonly name: string }[];
  /** Left as they were, and why. */
  readonly skipped: readonly {
    readonly skill_id: string | null;
    readonly name: string;
    readonly reason: string;
  }[];
}

interface Place {
  readonly skill: string | null;
  readonly name: string;
}

/** Stores a secret for a skill, or with null for every skill of the home that declares its name. */
export async function setSecret(
  home: Home,
  { skill, name, value }: Place & { readonly value: string },
  actor?: Actor,
): Promise<SecretInfo> {
  requireTrusted(home);
  requireSkill(home, skill);
  const problem = problemOf(name, value);
  if (problem !== undefined) throw problem;
  home.secrets.prepare();
  await commit(home, audit("set_secret", { skill, name }, actor), (tx) => {
    home.secrets.put(tx, skill, name, value);
  });
  const [stored] = home.secrets.list(skill).filter((one) => one.name === name);
  if (stored === undefined) throw new SkillError("conflict", `"${name}" was removed at the same time`);
  return stored;
}

/** @throws {SkillError} `not_found` when there is no such secret */
export async function removeSecret(home: Home, { skill, name }: Place, actor?: Actor): Promise<void> {
  requireTrusted(home);
  const known = home.secrets.list(skill).map((one) => one.name);
  if (!known.includes(name)) throw noSecret(skill, name, known);
  await commit(home, audit("remove_secret", { skill, name }, actor), (tx) => {
    if (!home.secrets.remove(tx, skill, name)) throw noSecret(skill, name, known);
  });
}

/** All secrets, or those of one skill; values only with `show`. */
export function exportSecrets(
  home: Home,
  { skill, show }: { readonly skill: string | undefined; readonly show: boolean },
): SecretsDocument {
  requireTrusted(home);
  if (skill !== undefined) requireSkill(home, skill);
  const ours: Record<string, string> = {};
  const skills: Record<string, Record<string, string>> = {};
  for (const { skill_id, name } of home.secrets.list(skill)) {
    const value = show ? home.secrets.value(skill_id, name) ?? REDACTED : REDACTED;
    if (skill_id === null) ours[name] = value;
    else (skills[skill_id] ??= {})[name] = value;
  }
  return { format: 1, home: ours, skills };
}

/** Stores what a document holds, in one transaction. Redacted values, and skills that are not installed, are skipped and named. */
export async function importSecrets(
  home: Home,
  document: SecretsDocument,
  { skill, actor }: { readonly skill: string | undefined; readonly actor?: Actor },
): Promise<ImportedSecrets> {
  requireTrusted(home);
  if (skill !== undefined) requireSkill(home, skill);
  const set: (Place & { readonly value: string })[] = [];
  const skipped: ImportedSecrets["skipped"][number][] = [];
  for (const entry of entriesOf(document, skill)) {
    const reason = skipReason(home, entry);
    if (reason === undefined) set.push(entry);
    else skipped.push({ skill_id: entry.skill, name: entry.name, reason });
  }
  if (set.length > 0) {
    home.secrets.prepare();
    const names = set.map(({ skill: id, name }) => (id === null ? name : `${id}/${name}`));
    await commit(home, { actor, action: "import_secrets", details: { names } }, (tx) => {
      for (const one of set) home.secrets.put(tx, one.skill, one.name, one.value);
    });
  }
  return { set: set.map(({ skill: id, name }) => ({ skill_id: id, name })), skipped };
}

/** Names of required credentials of a skill that no source has a value for. */
export function missingSecrets(home: Home, id: string): readonly string[] {
  const { credentials } = shownGeneration(home.view.get(id)).resolved.manifest;
  return credentials.filter(({ name, required }) => required && home.secretSource(id, name) === undefined)
    .map(({ name }) => name);
}

/** With `only`, what a document holds for that skill, or for the home when it has nothing else. */
function entriesOf(
  { home, skills }: SecretsDocument,
  only: string | undefined,
): readonly (Place & { readonly value: string })[] {
  const rows = (skill: string | null, values: Readonly<Record<string, string>>) =>
    Object.entries(values).map(([name, value]) => ({ skill, name, value }));
  if (only !== undefined) return rows(only, skills[only] ?? (Object.keys(skills).length === 0 ? home : {}));
  return [...rows(null, home), ...Object.entries(skills).flatMap(([id, values]) => rows(id, values))];
}

function skipReason(
  home: Home,
  { skill, name, value }: Place & { readonly value: string },
): string | undefined {
  if (value === REDACTED) return "its value is redacted";
  if (skill !== null && home.view.find(skill) === undefined) return "the skill is not installed";
  return problemOf(name, value)?.message;
}

function problemOf(name: string, value: string): SkillError | undefined {
  if (!SECRET_NAME.test(name)) {
    return new SkillError("invalid_input", `"${name}" is no name for a secret`, {
      fix: "use letters, digits and _, like WEATHER_API_KEY",
    });
  }
  const bytes = new TextEncoder().encode(value).length;
  if (value !== "" && bytes <= MOST_BYTES && !value.includes("\0")) return undefined;
  const found = value === "" ? "empty" : bytes > MOST_BYTES ? `${bytes} bytes long` : "not text";
  return new SkillError("invalid_input", `the value of "${name}" is ${found}`, {
    fix: `give 1 to ${MOST_BYTES} bytes of text`,
  });
}

function requireSkill(home: Home, skill: string | null): void {
  if (skill !== null) home.view.get(skill);
}

function noSecret(skill: string | null, name: string, known: readonly string[]): SkillError {
  const where = skill === null ? "the home" : `"${skill}"`;
  const near = nearest(name, known);
  return new SkillError("not_found", `${where} has no secret "${name}"`, {
    fix: near === undefined ? "see which there are: skillwright secrets list" : `did you mean "${near}"`,
  });
}

function audit(
  action: string,
  { skill, name }: Place,
  actor: Actor | undefined,
): Parameters<typeof commit>[1] {
  return { actor, action, ...(skill === null ? {} : { skill_id: skill }), details: { name } };
}
