import { lt } from "semver";
import { digestFiles } from "../../base/digest.ts";
import { SkillError } from "../../base/errors.ts";
import type { PythonManifest } from "../../manifest/types.ts";
import { type Home, requireTrusted } from "../home/home.ts";
import type { StoredGeneration } from "../records/records.ts";
import { candidateOf, servingOf, skillInfo } from "../records/skill-record.ts";
import { fetchSource } from "../sources/fetch-source.ts";
import { knownSource } from "../sources/known-source.ts";
import type { TestReport } from "../test-report.ts";
import { testSkill } from "../testing/testing.ts";
import type { Actor, SkillInfo } from "../types.ts";
import { installFetched } from "./install.ts";
import { activateSkill } from "./status-changes.ts";

/** What an update would change. */
export interface UpdatePlan {
  readonly skill_id: string;
  /** The version that serves. */
  readonly from: string;
  readonly to: string;
  /** Where it is fetched from, without passwords. */
  readonly source: string;
  /** Of the package's files. */
  readonly digest: string;
}

/** How a skill is updated. */
export interface UpdateOptions {
  /** Default: where the serving version came from. */
  readonly source?: string;
  /** Runs its tests first. Default true. */
  readonly test?: boolean;
  /** Takes a lower version too. Default false. */
  readonly downgrade?: boolean;
  /** Asked before anything is installed: the new version may want more. What it throws ends the update. */
  readonly confirm: (
    plan: UpdatePlan & { readonly before: PythonManifest; readonly after: PythonManifest },
  ) => void | Promise<void>;
  readonly actor?: Actor;
  readonly signal?: AbortSignal;
  /** Told what is begun. */
  readonly onStage?: (stage: string) => void;
}

/** What came of an update. Not updated: without tests it was up to date, else they failed. */
export interface Updated extends UpdatePlan {
  readonly updated: boolean;
  readonly tests: TestReport | null;
  readonly info: SkillInfo;
}

/**
 * Brings what serves to the package of a source: the given one, else where the serving version came from. It serves when
 * its tests pass; until then, and when they fail, what served before goes on.
 *
 * @throws {SkillError} `not_active`, `invalid_input` without a source or with another skill's, `invalid_transition` for a
 * lower version, what `options.confirm` throws, and the errors of `install`, `test` and `activate`
 */
export async function updateSkill(home: Home, id: string, options: UpdateOptions): Promise<Updated> {
  requireTrusted(home);
  const { actor, signal, onStage, downgrade = false, test = true } = options;
  const serving = requireServing(home, id);
  onStage?.("read");
  const fetched = await fetchSource(home, options.source ?? sourceOf(home, serving), signal);
  const { manifest, source } = fetched, to = manifest.version;
  const digest = digestFiles(fetched.files);
  const plan = { skill_id: id, from: serving.version, to, source, digest };
  if (manifest.id !== id) {
    throw new SkillError("invalid_input", `the source holds "${manifest.id}", not "${id}"`, {
      fix: `skillwright install ${source}`,
    });
  }
  if (digest === serving.digest) return { ...plan, updated: false, tests: null, info: info(home, id) };
  if (!downgrade && lt(to, serving.version)) throw lower(id, serving.version, to);
  await options.confirm({ ...plan, before: serving.resolved.manifest, after: manifest });
  const common = {
    ...(actor === undefined ? {} : { actor }),
    ...(signal === undefined ? {} : { signal }),
  };
  await installFetched(home, fetched, { ...common, ...(onStage === undefined ? {} : { onStage }) });
  if (test) onStage?.("test");
  const tests = test ? await testSkill(home, id, common) : null;
  if (tests?.passed === false) return { ...plan, updated: false, tests, info: info(home, id) };
  requireCandidate(home, id, digest);
  onStage?.("activate");
  return { ...plan, updated: true, tests, info: await activateSkill(home, id, common) };
}

function requireServing(home: Home, id: string): StoredGeneration {
  const serving = servingOf(home.view.get(id));
  if (serving !== undefined) return serving;
  throw new SkillError("not_active", `no version of "${id}" serves that could be updated`, {
    fix: "install the new version and activate it",
  });
}

/** Where the serving version came from, as its installation noted. */
function sourceOf(home: Home, serving: StoredGeneration): string {
  const source = knownSource(home, serving);
  if (source !== undefined) return source;
  throw new SkillError("invalid_input", `nothing is known of where "${serving.skill_id}" came from`, {
    fix: `name a source: skillwright update ${serving.skill_id} <source>`,
  });
}

/** What was asked about and tested is what will serve. */
function requireCandidate(home: Home, id: string, digest: string): void {
  if (candidateOf(home.view.get(id))?.digest === digest) return;
  throw new SkillError("conflict", `"${id}" was installed by somebody else at the same time`, {
    fix: "look at its status and try again",
  });
}

function lower(id: string, from: string, to: string): SkillError {
  return new SkillError("invalid_transition", `"${id}" ${from} serves, and the source has ${to}`, {
    fix: "add --allow-downgrade, or go back with rollback",
    details: { id, from, to },
  });
}

function info(home: Home, id: string): Updated["info"] {
  return skillInfo(home.view.get(id));
}
