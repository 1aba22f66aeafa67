import { isObject } from "../../base/json.ts";
import { damagedRecord, parseStored } from "../storage/stored-json.ts";
import type { TestReport } from "../test-report.ts";
import type { ResolvedManifest } from "../types.ts";

const TEXTS = ["id", "name", "version", "description", "entry_file"] as const;
const LISTS = ["triggers", "credentials", "tools"] as const;

/**
 * A resolved manifest that this library wrote into `home.db`. Looked at by hand, and only so far that nobody stumbles
 * over what is missing: there may be ten thousand of them. `check` compares all of it with the build.
 *
 * @throws {SkillError} `home_unusable` when it is damaged
 */
export function parseResolved(text: unknown, what: string): ResolvedManifest {
  const found = parseStored(text, what);
  if (isResolved(found)) return found;
  throw damagedRecord(what);
}

/** The same for what came of tests. @throws {SkillError} `home_unusable` when it is damaged */
export function parseReport(text: unknown, what: string): TestReport {
  const found = parseStored(text, what);
  if (isReport(found)) return found;
  throw damagedRecord(what);
}

function isReport(value: unknown): value is TestReport {
  if (!isObject(value) || typeof value["passed"] !== "boolean" || !isObject(value["handshake"])) return false;
  return [value["cases"], value["examples"], value["given"]].every((list) =>
    Array.isArray(list) && list.every(isObject)
  );
}

function isResolved(value: unknown): value is ResolvedManifest {
  if (!isObject(value) || value["format"] !== 1 || typeof value["digest"] !== "string") return false;
  const { manifest, tools, default_tool, environment, limits, timeouts, env } = value;
  return isManifest(manifest) && Array.isArray(tools) && tools.every(isObject) &&
    typeof default_tool === "string" && [environment, limits, timeouts, env].every(isObject);
}

function isManifest(value: unknown): boolean {
  if (!isObject(value) || !isObject(value["security"])) return false;
  const { permissions } = value["security"];
  return isObject(permissions) && "network_access" in permissions &&
    Array.isArray(permissions["file_read"]) &&
    Array.isArray(permissions["file_write"]) && TEXTS.every((key) => typeof value[key] === "string") &&
    LISTS.every((key) => Array.isArray(value[key]));
}
