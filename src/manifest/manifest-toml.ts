import { stringify } from "smol-toml";
import { SkillError } from "../base/errors.ts";
import type { CredentialSpec, Permissions, PythonManifest, ResourceLimits, ToolSpec } from "./types.ts";

type Structured = "tools" | "credentials" | "security" | "metadata";

/** The keys of a manifest that are to be written; what is left out keeps its default. */
export interface ManifestDraft extends Partial<Omit<PythonManifest, Structured>> {
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly tools?: readonly (Partial<ToolSpec> & Pick<ToolSpec, "name">)[];
  readonly credentials?: readonly (Partial<CredentialSpec> & Pick<CredentialSpec, "name">)[];
  readonly security?: {
    readonly permissions?: Partial<Permissions>;
    readonly resource_limits?: Partial<ResourceLimits>;
  };
  readonly metadata?: Partial<PythonManifest["metadata"]>;
}

/** Keys in the order of a manifest that is written by hand. */
const ORDER: readonly (keyof PythonManifest)[] = [
  "type",
  "id",
  "name",
  "version",
  "description",
  "entry_file",
  "command",
  "min_uv_version",
  "min_python",
  "triggers",
  "serve",
  "mode",
  "isolation",
  "concurrent",
  "default_tool",
  "setup",
  "health",
  "state",
  "tools",
  "credentials",
  "security",
  "resilience",
  "dependencies",
  "provides",
  "metadata",
];

/**
 * Writes a `manifest.toml` that `parseManifest` reads back. Checks nothing but that TOML can hold it.
 *
 * @throws {SkillError} `invalid_manifest` for a schema with a `null` in a list: TOML has none
 */
export function renderManifest(draft: ManifestDraft): string {
  const given = ORDER.filter((key) => draft[key] !== undefined).map((key) => [key, draft[key]]);
  try {
    return `${stringify(Object.fromEntries(given)).trim()}\n`;
  } catch (error) {
    const { message, code, cause } = SkillError.from(
      error,
      "invalid_manifest",
      `manifest of ${draft.id} cannot be written as TOML`,
    );
    throw new SkillError(code, message, {
      fix: 'Write { type = "null" } instead of a null in a list',
      cause,
    });
  }
}
