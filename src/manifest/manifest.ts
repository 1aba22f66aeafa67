import { Buffer } from "node:buffer";
import { SkillError } from "../base/errors.ts";
import { decodeUtf8 } from "../base/json.ts";
import { findingsOf, type ManifestSource } from "./manifest-findings.ts";
import { manifestModel, SHORT_VERSION, type WrittenManifest } from "./manifest-model.ts";
import { parseToml } from "./toml.ts";
import { lineOfKey } from "./toml-lines.ts";
import type { Finding, PythonManifest } from "./types.ts";

/** The largest manifest, in bytes. */
export const MAX_MANIFEST_BYTES: number = 64 * 1024;
const MAX_FINDINGS = 50;

/** What reading a manifest gave: a manifest with hints, or none and what is wrong. */
export type ManifestReading =
  | { readonly ok: true; readonly manifest: PythonManifest; readonly hints: readonly Finding[] }
  | { readonly ok: false; readonly findings: readonly Finding[] };

/**
 * Reads a `manifest.toml`. Everything wrong with it is found at once, each finding with file, line, key, the value
 * found and the fix. Never throws, executes nothing.
 */
export function readManifest(source: string | Uint8Array, file = "manifest.toml"): ManifestReading {
  try {
    const text = manifestText(source, file);
    const data = parseToml(text, { file, code: "invalid_manifest" });
    return readManifestData({ data, file, lineOf: (path) => lineOfKey(text, path) });
  } catch (error) {
    return { ok: false, findings: [findingOf(SkillError.from(error, "invalid_manifest", file), file)] };
  }
}

/**
 * Reads a `manifest.toml`.
 *
 * @throws {SkillError} `invalid_manifest`; the message tells the first problem, `details.findings` all of them
 */
export function parseManifest(
  source: string | Uint8Array,
  file = "manifest.toml",
): { readonly manifest: PythonManifest; readonly hints: readonly Finding[] } {
  return accept(readManifest(source, file));
}

/** Reads a manifest that was already parsed, like the `[tool.skillwright]` table of a script's header. */
export function readManifestData(source: ManifestSource): ManifestReading {
  const result = manifestModel.safeParse(source.data);
  if (!result.success) {
    return { ok: false, findings: findingsOf(result.error.issues.slice(0, MAX_FINDINGS), source) };
  }
  return { ok: true, ...complete(result.data, source) };
}

/**
 * The manifest of a reading.
 *
 * @throws {SkillError} `invalid_manifest` when it has none
 */
export function accept(
  reading: ManifestReading,
): { readonly manifest: PythonManifest; readonly hints: readonly Finding[] } {
  if (reading.ok) return { manifest: reading.manifest, hints: reading.hints };
  const [first] = reading.findings;
  const place = [first?.file, first?.line === undefined ? undefined : `line ${first.line}`].filter((part) =>
    part !== undefined
  ).join(" ");
  const more = reading.findings.length - 1;
  throw new SkillError(
    "invalid_manifest",
    `${place}: ${first?.message}${more > 0 ? ` (and ${more} more)` : ""}`,
    {
      ...(first?.fix === undefined ? {} : { fix: first.fix }),
      details: { file: first?.file, line: first?.line, findings: reading.findings },
    },
  );
}

function manifestText(source: string | Uint8Array, file: string): string {
  const size = typeof source === "string" ? Buffer.byteLength(source) : source.byteLength;
  if (size > MAX_MANIFEST_BYTES) {
    throw new SkillError(
      "invalid_manifest",
      `${file} is ${size} bytes long, the limit is ${MAX_MANIFEST_BYTES}`,
    );
  }
  const text = typeof source === "string" ? source : decodeUtf8(source, file, "invalid_manifest");
  if (!text.startsWith("\uFEFF")) return text;
  throw new SkillError("invalid_manifest", `${file} starts with a byte order mark`, {
    fix: "Save it as UTF-8 without byte order mark",
  });
}

function complete(
  written: WrittenManifest,
  { file, lineOf }: ManifestSource,
): { readonly manifest: PythonManifest; readonly hints: readonly Finding[] } {
  const hints: Finding[] = [];
  const hint = (rule: string, key: string, message: string, fix: string) => {
    const line = lineOf([key]);
    hints.push({
      severity: "hint",
      rule: `manifest/${rule}`,
      message,
      fix,
      file,
      ...(line === undefined ? {} : { line }),
    });
  };
  const short = SHORT_VERSION.test(written.version);
  const version = short ? [...written.version.split("."), "0", "0"].slice(0, 3).join(".") : written.version;
  if (short) {
    hint(
      "short-version",
      "version",
      `version "${written.version}" is read as ${version}`,
      `Write version = "${version}"`,
    );
  }
  const described = written.description !== undefined && written.description !== "";
  if (!described) {
    hint(
      "no-description",
      "description",
      "description is missing: the skill is found by its name alone",
      "Say what it does",
    );
  }
  const description = described ? (written.description ?? "") : written.name;
  const triggers = [...new Set(written.triggers)];
  const entry_file = written.command?.[0]?.slice("./".length) ?? written.entry_file;
  return { manifest: { ...written, version, description, triggers, entry_file }, hints };
}

function findingOf(error: SkillError, file: string): Finding {
  const told = error.details?.["line"];
  const line = typeof told === "number" ? told : undefined;
  const place = line === undefined ? `${file}: ` : `${file} line ${line}: `;
  return {
    severity: "error",
    rule: "manifest/unreadable",
    message: error.message.startsWith(place) ? error.message.slice(place.length) : error.message,
    ...(error.fix === undefined ? {} : { fix: error.fix }),
    file,
    ...(line === undefined ? {} : { line }),
  };
}
