import type { SearchDocument, SearchMatch } from "../discovery/types.ts";
import { sameText, strongCandidate } from "../discovery/reuse.ts";
import { SkillError } from "../base/errors.ts";
import { canonicalJson } from "../base/json.ts";
import { exampleFiles, judgeExample } from "../lifecycle/validation/examples.ts";
import type { SkillLibrary } from "../lifecycle/skill-library.ts";
import type { SkillInfo } from "../lifecycle/types.ts";
import type { GraphContext } from "./config.ts";
import { isHarmless } from "./permission-diff.ts";
import type { ReuseCandidate } from "./types.ts";
import type { Example } from "../lifecycle/test-report.ts";

/** How many candidates are looked at, how many examples each is tried with, and how long one may take. */
const BOUNDS = { candidates: 5, examples: 20, milliseconds: 10_000 };

/** A skill that does what is asked for, and how that was established. */
export interface ReuseMatch {
  readonly skill_id: string;
  readonly name: string;
  readonly score: number;
  readonly how: string;
}

/** What was found: a match, or candidates that the maker and the person should know of. */
export interface ReuseDecision {
  readonly match: ReuseMatch | null;
  readonly candidates: readonly ReuseCandidate[];
  /** The decision in words: which skill does it and how that is known, or why one is made. */
  readonly reason: string;
}

/** A runnable skill that came near, before it was tried. */
interface Near {
  readonly info: SkillInfo;
  readonly score: number;
  readonly strong: boolean;
  readonly same: boolean;
}

/**
 * Whether a skill exists that does what the intent asks for. Cosine cannot tell a task from its opposite, so with
 * `reuse = "verified"` a match is one of these, and nothing else:
 *
 * - the intent is, letter for letter, a trigger of the skill, and no example speaks against it;
 * - the skill passes the caller's examples. Only skills that can do nothing but compute are tried unasked; one that
 *   is worded differently must pass two examples with different answers, for one alone can be met by chance.
 *
 * With `reuse = "threshold"` the best score at or above `discovery_threshold` is a match, as in the papers.
 */
export async function findReuse(
  context: GraphContext,
  intent: string,
  examples: readonly Example[],
  signal: AbortSignal | undefined,
): Promise<ReuseDecision> {
  const { library } = context.skills;
  const near = await nearSkills(context, intent);
  if (context.config.reuse === "threshold") return byThreshold(near, context.config.discovery_threshold);
  const candidates: ReuseCandidate[] = [];
  for (const skill of near) {
    const trial = await tryExamples(library, skill.info, examples, signal);
    const how = establishes(skill, trial, examples);
    if (how !== null) {
      if (trial.passed) await library.addTrigger(skill.info.id, intent);
      return {
        match: { skill_id: skill.info.id, name: skill.info.name, score: skill.score, how },
        candidates: [],
        reason: `"${skill.info.id}" does it: ${how}`,
      };
    }
    candidates.push(toCandidate(skill, trial.said));
  }
  return { match: null, candidates, reason: noneFits(candidates) };
}

function noneFits(candidates: readonly ReuseCandidate[]): string {
  if (candidates.length === 0) return "no skill comes near";
  return `none is known to do it: ${
    candidates.map(({ skill_id, tried }) => `${skill_id} (${tried})`).join(", ")
  }`;
}

/** Skills with the very text first, then strong candidates, then the best of the search; five at most. */
async function nearSkills({ skills }: GraphContext, intent: string): Promise<readonly Near[]> {
  const infos = new Map((await skills.library.list()).filter(isRunnable).map((info) => [info.id, info]));
  if (infos.size === 0) return [];
  const { matches } = await skills.discovery.search(intent, {
    limit: BOUNDS.candidates,
    filter: (document) => infos.has(document.id),
  });
  const scores = new Map(matches.filter(({ related }) => related).map((match) => [match.id, scoreOf(match)]));
  const near = (await skills.library.documents()).flatMap((document): Near[] => {
    const info = infos.get(document.id);
    const { same, strong } = wording(intent, document);
    if (info === undefined || !(same || strong || scores.has(document.id))) return [];
    return [{ info, score: same ? 1 : scores.get(document.id) ?? 0, same, strong }];
  });
  const rank = (skill: Near): number => (skill.same ? 4 : 0) + (skill.strong ? 2 : 0) + skill.score;
  return near.toSorted((a, b) => rank(b) - rank(a)).slice(0, BOUNDS.candidates);
}

function wording(
  intent: string,
  document: SearchDocument,
): { readonly same: boolean; readonly strong: boolean } {
  const { triggers } = document;
  return {
    same: triggers.some((trigger) => sameText(intent, trigger)),
    strong: strongCandidate(intent, triggers) !== undefined,
  };
}

function byThreshold(near: readonly Near[], threshold: number): ReuseDecision {
  const best = near.toSorted((a, b) => b.score - a.score)[0];
  if (best === undefined || best.score < threshold) {
    return {
      match: null,
      candidates: near.map((skill) => toCandidate(skill, "not tried: reuse goes by the score")),
      reason: `no score reaches the threshold ${threshold}`,
    };
  }
  const { info: { id, name }, score } = best;
  const how = `score ${score.toFixed(3)} >= threshold ${threshold}`;
  return { match: { skill_id: id, name, score, how }, candidates: [], reason: `"${id}" does it: ${how}` };
}

interface Trial {
  readonly passed: boolean;
  /** Whether an example spoke against it. */
  readonly failed: boolean;
  readonly said: string;
}

async function tryExamples(
  library: SkillLibrary,
  info: SkillInfo,
  examples: readonly Example[],
  signal: AbortSignal | undefined,
): Promise<Trial> {
  const untried = (said: string): Trial => ({ passed: false, failed: false, said: `not tried: ${said}` });
  if (examples.length === 0) return untried("there are no examples");
  const reason = await whyNotUnasked(library, info);
  if (reason !== null) return untried(reason);
  const tried = examples.slice(0, BOUNDS.examples);
  for (const [index, example] of tried.entries()) {
    const problem = await fails(library, info.id, example, signal);
    if (problem !== null) {
      return { passed: false, failed: true, said: `example ${index + 1} of ${tried.length}: ${problem}` };
    }
  }
  return { passed: true, failed: false, said: `passes ${tried.length} example(s)` };
}

async function fails(
  library: SkillLibrary,
  id: string,
  example: Example,
  signal: AbortSignal | undefined,
): Promise<string | null> {
  const options = {
    timeout_ms: BOUNDS.milliseconds,
    ...exampleFiles(example),
    ...(signal === undefined ? {} : { signal }),
    ...(example.tool === undefined ? {} : { tool: example.tool }),
  };
  try {
    const { value, artifacts } = await library.run(id, example.input, options);
    return judgeExample(example, { value, artifacts }).status === "passed"
      ? null
      : "another answer than expected";
  } catch (error) {
    if (!SkillError.isInstance(error) || signal?.aborted === true) throw error;
    return example.compare === "error" && IS_AN_ANSWER.has(error.code) ? null : `failed with ${error.code}`;
  }
}

/** Codes with which a tool itself refuses an input. */
const IS_AN_ANSWER: ReadonlySet<string> = new Set(["tool_failed", "invalid_input"]);

async function whyNotUnasked(library: SkillLibrary, info: SkillInfo): Promise<string | null> {
  if (!isHarmless(info.permissions)) return "it has permissions, so it is not run unasked";
  const files = await library.files(info.id);
  // where the word stands at all a secret may be: not running is the safe side
  const declares = Object.values(
    files["manifest.toml"] === undefined ? files : { manifest: files["manifest.toml"] },
  );
  return declares.some((text) => text.includes("credentials"))
    ? "it may hold credentials, so it is not run unasked"
    : null;
}

/** How a trial makes a skill a match, or null. */
function establishes(skill: Near, trial: Trial, examples: readonly Example[]): string | null {
  if (skill.same && !trial.failed) {
    return trial.passed
      ? `the intent is a trigger of it, and it ${trial.said}`
      : "the intent is a trigger of it";
  }
  if (!trial.passed) return null;
  const answers = new Set(
    examples.filter(({ compare, expected }) => compare !== "error" && expected !== undefined)
      .map(({ expected }) => canonicalJson(expected)),
  );
  const enough = skill.strong ? 1 : 2;
  return answers.size >= enough ? trial.said : null;
}

function toCandidate({ info, score, strong }: Near, tried: string): ReuseCandidate {
  const { id, name, version, description } = info;
  return { skill_id: id, name, version, description, score, strong, tried };
}

function isRunnable(info: SkillInfo): boolean {
  return info.serving?.status === "active";
}

function scoreOf(match: SearchMatch): number {
  return match.cosine ?? match.score;
}
