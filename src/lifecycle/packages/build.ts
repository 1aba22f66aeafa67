import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { syncFolder, writeFileAtomic } from "../../base/atomic-file.ts";
import { digestFiles, digestTree, sha256 } from "../../base/digest.ts";
import { SkillError } from "../../base/errors.ts";
import type { PackageFile } from "../../manifest/package-files.ts";
import type { Finding } from "../../manifest/types.ts";
import type { HomeSettings } from "../storage/home-settings.ts";
import type { ResolvedManifest } from "../types.ts";
import { buildDigest, environmentRequest, resolveManifest } from "../validation/resolve.ts";
import { type ValidateContext, validatePackage } from "../validation/validate.ts";
import { throwIfCancelled } from "./cancel.ts";
import { writePackageFiles } from "./source-folder.ts";

const RESOLVED = "resolved.manifest.json";

/** A finished build folder: sources, environment, resolved manifest. Nothing in it changes any more. */
export interface Build {
  readonly dir: string;
  /** Digest of the build. */
  readonly build: string;
  /** Digest of the package's files. */
  readonly digest: string;
  /** SHA-256 of the entry script. */
  readonly script: string;
  readonly resolved: ResolvedManifest;
  readonly findings: readonly Finding[];
}

/** A built but not installed package: `.state/staging/<key>`. What was tested is what is installed. */
export interface StagedBuild {
  readonly key: string;
  readonly dir: string;
  readonly digest: string;
  readonly build: string;
  readonly resolved: ResolvedManifest;
  readonly findings: readonly Finding[];
}

/** What building needs. */
export interface BuildContext extends ValidateContext {
  readonly settings: HomeSettings;
}

/** How a build is made. */
export interface BuildOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onStage?: ((stage: string) => void) | undefined;
  /** Python packages with hashes that it gets, as a requirements file. Default: they are resolved. */
  readonly pins?: string;
  /** Asks no network. Default false. */
  readonly offline?: boolean;
}

/**
 * Makes a build in `dir`, an empty folder: writes the files, validates them there, builds the environment, and writes
 * the resolved manifest last. On any failure the folder is gone.
 *
 * @throws {SkillError} `validation_failed` with `details.findings`; what building an environment throws
 */
export async function makeBuild(
  dir: string,
  files: readonly PackageFile[],
  context: BuildContext,
  options: BuildOptions = {},
): Promise<Build> {
  try {
    return await buildIn(dir, files, context, options);
  } catch (error) {
    await rm(dir, { recursive: true, force: true });
    throw error;
  }
}

/** Reads a build that was made before. Undefined when there is none or it is not whole. */
export async function readBuild(dir: string): Promise<Omit<Build, "findings"> | undefined> {
  try {
    const resolved = JSON.parse(await readFile(join(dir, RESOLVED), "utf8")) as ResolvedManifest;
    const source = join(dir, "src");
    const script = sha256(await readFile(join(source, resolved.manifest.entry_file)));
    const { digest } = resolved;
    if (await digestTree(source) !== digest) return undefined;
    return { dir, build: buildDigest(resolved), digest, script, resolved };
  } catch {
    return undefined;
  }
}

async function buildIn(
  dir: string,
  files: readonly PackageFile[],
  context: BuildContext,
  { signal, onStage, pins, offline = false }: BuildOptions,
): Promise<Build> {
  const source = join(dir, "src");
  const digest = digestFiles(files);
  onStage?.("validate");
  await writePackageFiles(source, files, { readOnly: true });
  const { report, loaded, table } = await validatePackage(source, context);
  if (loaded === undefined || table === undefined) throw validationFailed(report.findings);
  throwIfCancelled(signal);
  onStage?.("build");
  const environment = await context.environments.build(
    dir,
    { ...environmentRequest(loaded), ...(pins === undefined ? {} : { pins }) },
    { offline, ...(signal === undefined ? {} : { signal }) },
  );
  const resolved = resolveManifest(loaded, table, environment, context.settings, digest);
  const text = `${JSON.stringify(resolved, null, 2)}\n`;
  await writeFileAtomic(join(dir, RESOLVED), text, { mode: 0o444, durable: false });
  await syncFolder(dir);
  const script = sha256(loaded.source);
  return { dir, build: buildDigest(resolved), digest, script, resolved, findings: report.findings };
}

function validationFailed(findings: readonly Finding[]): SkillError {
  const errors = findings.filter(({ severity }) => severity === "error");
  const [first] = errors;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : "";
  const place = [first?.file, first?.line].filter((part) => part !== undefined).join(" line ");
  return new SkillError(
    "validation_failed",
    `the package does not pass: ${place === "" ? "" : `${place}: `}${first?.message ?? ""}${more}`,
    {
      ...(first?.fix === undefined ? {} : { fix: first.fix }),
      details: { findings },
    },
  );
}
