import type { SearchDocument } from "../discovery/types.ts";
import type { SkillRecord } from "./records.ts";
import { isRunnable } from "./status.ts";
import { ownGeneration, shownGeneration } from "./skill-record.ts";

/** A skill as search sees it. */
export function skillDocument(record: SkillRecord): SearchDocument {
  const { resolved } = shownGeneration(record);
  const { manifest, tools } = resolved;
  const { status } = ownGeneration(record);
  const { metadata, security } = manifest;
  return {
    id: record.id,
    name: manifest.name,
    description: manifest.description,
    triggers: [...new Set([...manifest.triggers, ...record.triggers])],
    body: [...tools.map(({ name, description }) => `${name} ${description}`), ...(metadata?.tags ?? [])].join(
      "\n",
    ),
    facets: {
      status,
      runnable: isRunnable(status),
      network: security.permissions.network_access !== false,
      tags: metadata?.tags ?? [],
    },
  };
}
