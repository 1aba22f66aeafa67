import { Buffer } from "node:buffer";
import { SkillError } from "../base/errors.ts";
import { decodeUtf8, type Json } from "../base/json.ts";
import { pythonClauses } from "./python-version.ts";
import { parseRequirement } from "./requirements.ts";
import { findScriptBlock, type ScriptBlock } from "./script-block.ts";
import { parseToml, type TomlData } from "./toml.ts";
import { lineOfKey, type TomlPath } from "./toml-lines.ts";
import type { ScriptMetadata } from "./types.ts";

/** The largest entry script, in bytes. */
export const MAX_SCRIPT_BYTES: number = 256 * 1024;
const MAX_DEPENDENCIES = 4096;

/**
 * Reads the PEP 723 header of a script as uv does. Nothing of the script is executed. A script without a header has no
 * dependencies. Refused, with the line and the reason: two blocks, an unclosed block, a block that uv and the
 * specification read differently, a byte order mark, `[tool.uv]` of any kind (it can choose another index, and no flag
 * of uv switches it off), requirements by URL, repository or path, and whatever isn't valid TOML, PEP 508 or PEP 440.
 *
 * @param file shown in errors
 * @throws {SkillError} `invalid_script`
 */
export function parseScriptMetadata(source: string | Uint8Array, file: string): ScriptMetadata {
  const text = scriptText(source, file);
  const block = findScriptBlock(text, file);
  if (block === undefined) return { dependencies: [], tool: {} };
  const data = parseToml(block.toml, { file, code: "invalid_script", lineOffset: block.line });
  const place: Place = { file, block };
  const python = requiresPython(data["requires-python"], place);
  return {
    ...(python === undefined ? {} : { requires_python: python }),
    dependencies: dependencies(data["dependencies"], place),
    tool: toolTable(data["tool"], place),
  };
}

/**
 * The text of a script: strict UTF-8, at most 256 KB.
 *
 * @throws {SkillError} `invalid_script`
 */
export function scriptText(source: string | Uint8Array, file: string): string {
  const size = typeof source === "string" ? Buffer.byteLength(source) : source.byteLength;
  if (size > MAX_SCRIPT_BYTES) {
    throw new SkillError(
      "invalid_script",
      `${file} is ${size} bytes long, the limit is ${MAX_SCRIPT_BYTES}`,
      {
        fix: "Move data into files of the package",
      },
    );
  }
  return typeof source === "string" ? source : decodeUtf8(source, file, "invalid_script");
}

interface Place {
  readonly file: string;
  readonly block: ScriptBlock;
}

function requiresPython(value: Json | undefined, place: Place): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== "string") {
    refuse(place, ["requires-python"], `requires-python must be text, found ${JSON.stringify(value)}`, {
      fix: 'Write requires-python = ">=3.11"',
    });
  }
  located(place, ["requires-python"], () => pythonClauses(value));
  return value.trim() === "" ? undefined : value.trim();
}

function dependencies(value: Json | undefined, place: Place): readonly string[] {
  if (value === undefined) return [];
  if (!Array.isArray(value) || value.some((item) => typeof item !== "string")) {
    refuse(place, ["dependencies"], "dependencies must be a list of texts", {
      fix: 'Write dependencies = ["httpx>=0.27"]',
    });
  }
  const list = value as readonly string[];
  if (list.length > MAX_DEPENDENCIES) {
    refuse(place, ["dependencies"], `${list.length} dependencies, the limit is ${MAX_DEPENDENCIES}`, {
      fix: "Name only what the script imports; what that needs is found by itself",
    });
  }
  for (const item of list) {
    located(place, ["dependencies"], () => parseRequirement(item), JSON.stringify(item).slice(1, -1));
  }
  return list.map((item) => item.trim());
}

function toolTable(value: Json | undefined, place: Place): TomlData {
  if (value === undefined) return {};
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    refuse(place, ["tool"], "tool must be a table", { fix: "Write [tool.skillwright]" });
  }
  const table = value as TomlData;
  if (Object.hasOwn(table, "uv")) {
    refuse(
      place,
      ["tool", "uv"],
      "[tool.uv] is not accepted: it can choose another package index or source",
      {
        fix: "Remove it; the index is the user's to choose",
      },
    );
  }
  return table;
}

function located(place: Place, path: TomlPath, check: () => unknown, text?: string): void {
  try {
    check();
  } catch (error) {
    const inner = SkillError.from(error, "invalid_script", place.file);
    refuse(place, path, inner.message, {
      ...(inner.fix === undefined ? {} : { fix: inner.fix }),
      cause: error,
    }, text);
  }
}

/** Throws with the line on which `text`, or else the key, stands. */
function refuse(
  { file, block }: Place,
  path: TomlPath,
  message: string,
  options: { readonly fix?: string; readonly cause?: unknown },
  text?: string,
): never {
  const key = lineOfKey(block.toml, path) ?? 1;
  const lines = block.toml.split("\n");
  const written = text === undefined
    ? -1
    : lines.findIndex((line, index) => index >= key - 1 && line.includes(text));
  const line = block.line + (written < 0 ? key : written + 1);
  throw new SkillError("invalid_script", `${file} line ${line}: ${message}`, {
    ...options,
    details: { file, line },
  });
}
