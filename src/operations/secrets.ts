import { z } from "zod";
import type { ImportedSecrets, SecretsDocument } from "../lifecycle/changes/secret-changes.ts";
import type { SecretInfo } from "../lifecycle/secrets/secret-store.ts";
import type { Operation } from "./types.ts";

const skill = z.string().min(1).optional();
const name = z.string().min(1).max(128);
const values = z.record(z.string(), z.string());

/** Operation `set_secret`. Values of secrets are for people and their programs: no tool for models stands on these. */
export const setSecret: Operation<{ skill?: string | undefined; name: string; value: string }, SecretInfo> = {
  name: "set_secret",
  description: "Store a secret for a skill, or for all skills of the home that declare its name",
  mode: "full",
  input: z.object({ skill, name, value: z.string() }),
  async handler({ skills, actor }, input): Promise<SecretInfo> {
    return await skills.library.secrets.set(input, actor);
  },
};

/** Operation `remove_secret`. */
export const removeSecret: Operation<{ skill?: string | undefined; name: string }, { removed: string }> = {
  name: "remove_secret",
  description: "Remove a stored secret",
  mode: "full",
  input: z.object({ skill, name }),
  async handler({ skills, actor }, input): Promise<{ removed: string }> {
    await skills.library.secrets.remove(input, actor);
    return { removed: input.name };
  },
};

/** Operation `list_secrets`. */
export const listSecrets: Operation<{ skill?: string | undefined }, { secrets: readonly SecretInfo[] }> = {
  name: "list_secrets",
  description: "List stored secrets by name, without their values",
  mode: "full",
  input: z.object({ skill }),
  handler: ({ skills }, input) => Promise.resolve({ secrets: skills.library.secrets.list(input.skill) }),
};

/** Operation `export_secrets`. */
export const exportSecrets: Operation<{ skill?: string | undefined; show: boolean }, SecretsDocument> = {
  name: "export_secrets",
  description: "Give stored secrets by skill; the values only when asked for",
  mode: "full",
  input: z.object({ skill, show: z.boolean().default(false) }),
  handler: ({ skills }, input) => Promise.resolve(skills.library.secrets.export(input)),
};

/** Operation `import_secrets`. */
export const importSecrets: Operation<
  { skill?: string | undefined; document: SecretsDocument },
  ImportedSecrets
> = {
  name: "import_secrets",
  description: "Store the secrets of an export; what is redacted is skipped",
  mode: "full",
  input: z.object({
    skill,
    document: z.strictObject({
      format: z.literal(1),
      home: values.default({}),
      skills: z.record(z.string(), values).default({}),
    }),
  }),
  async handler({ skills, actor }, { document, skill: only }): Promise<ImportedSecrets> {
    return await skills.library.secrets.import(document, { skill: only, actor });
  },
};
