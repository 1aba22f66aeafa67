import { sha256 } from "../../base/digest.ts";
import { canonicalJson } from "../../base/json.ts";
import type { EnvironmentRecord, EnvironmentRequest } from "../../environment/types.ts";
import type { SkillPackage } from "../../manifest/types.ts";
import type { HomeSettings } from "../storage/home-settings.ts";
import { narrowerLimits } from "../storage/settings.ts";
import type { ResolvedManifest } from "../types.ts";
import type { ToolTable } from "./tool-table.ts";

/** What a package asks of its environment. */
export function environmentRequest({ manifest, script }: SkillPackage): EnvironmentRequest {
  const { min_python, min_uv_version, isolation } = manifest;
  const python = [script.requires_python, min_python === undefined ? undefined : `>=${min_python}`]
    .filter((text) => text !== undefined && text !== "");
  return {
    dependencies: script.dependencies,
    isolation,
    ...(python.length === 0 ? {} : { requires_python: python.join(",") }),
    ...(min_uv_version === undefined ? {} : { min_uv_version }),
  };
}

/** Everything a start needs, with the home's settings of the time of the install filled in. */
export function resolveManifest(
  { manifest }: SkillPackage,
  { serve, tools, default_tool }: ToolTable,
  environment: EnvironmentRecord,
  settings: HomeSettings,
  digest: string,
): ResolvedManifest {
  const limits = narrowerLimits(settings.security.resource_limits, manifest.security.resource_limits);
  const { timeout, handshake_timeout } = settings.python_skills;
  return {
    format: 1,
    manifest,
    serve,
    tools,
    default_tool,
    environment,
    limits,
    timeouts: { start: handshake_timeout, call: Math.min(timeout, limits.max_execution_time) },
    env: Object.fromEntries(manifest.credentials.map(({ name }) => [name, `\${secret:${name}}`])),
    digest,
  };
}

/** The digest of a build: of what decides how the skill behaves, so that the same package on the same Python has one build. */
export function buildDigest({ digest, serve, environment }: ResolvedManifest): string {
  const { interpreter, python_version, pins, roots } = environment;
  return sha256(canonicalJson({ format: 1, digest, serve, interpreter, python_version, pins, roots }));
}
