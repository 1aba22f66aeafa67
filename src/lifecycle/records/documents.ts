import type { SearchDocument } from "../../discovery/types.ts";
import { reachesNetwork } from "../../manifest/network-access.ts";
import type { Permissions } from "../../manifest/types.ts";
import type { SkillRecord, StoredGeneration } from "./records.ts";
import { ownGeneration, shownGeneration } from "./skill-record.ts";
import { isRunnable } from "./status.ts";

/** A skill as search sees it. `generation` says whose texts: by default those of the one that is shown. */
export function skillDocument(
  record: SkillRecord,
  generation: StoredGeneration = shownGeneration(record),
): SearchDocument {
  const { manifest, tools } = generation.resolved;
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
      type: manifest.type,
      tags: metadata?.tags ?? [],
      permissions: granted(security.permissions),
      tool_mode: neededMode(security.permissions),
    },
  };
}

/** Names of the permissions that a skill asks for at all. */
function granted({ network_access, file_read, file_write, process_spawn }: Permissions): string[] {
  const asked = {
    network_access: reachesNetwork(network_access),
    file_read: file_read.length > 0,
    file_write: file_write.length > 0,
    process_spawn,
  };
  return Object.entries(asked).filter(([, is]) => is).map(([name]) => name);
}

/** How much a skill may do, in the words of the tool modes: look, change files, or reach out of the sandbox. */
function neededMode(permissions: Permissions): "read_only" | "read_write" | "full" {
  const names = granted(permissions);
  if (names.includes("network_access") || names.includes("process_spawn")) return "full";
  return names.includes("file_write") ? "read_write" : "read_only";
}
