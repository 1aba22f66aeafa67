import { z } from "zod";
import { SkillError } from "../../base/errors.ts";
import type { SkillRecord } from "../records/records.ts";

/** As much of a stored manifest as is shown. */
const shown = z.looseObject({
  manifest: z.looseObject({
    name: z.string(),
    description: z.string(),
    entry_file: z.string(),
    triggers: z.array(z.string()),
    security: z.looseObject({
      permissions: z.looseObject({
        network_access: z.union([z.boolean(), z.array(z.string())]),
        file_read: z.array(z.string()),
        file_write: z.array(z.string()),
        process_spawn: z.boolean(),
      }),
    }),
  }),
  tools: z.array(z.looseObject({ name: z.string(), description: z.string() })),
  default_tool: z.string(),
});

/**
 * A skill of a home that nobody here made or trusted: whatever it says of itself, it is `pending`.
 *
 * @throws {SkillError} `home_unusable` when its record is not what this library writes
 */
export function asUntrusted(record: SkillRecord): SkillRecord {
  const sound = record.generations.length > 0 &&
    record.generations.every(({ resolved }) => shown.safeParse(resolved).success);
  if (!sound) {
    throw new SkillError(
      "home_unusable",
      `the record of "${record.id.slice(0, 64)}" was not written by this library`,
      {
        fix: "do not trust this home",
      },
    );
  }
  return {
    ...record,
    generations: record.generations.map((one) => ({
      ...one,
      status: "pending",
      tests: null,
      activated: null,
    })),
  };
}
