import { SkillError } from "../../src/base/errors.ts";
import type { BackendName } from "../../src/sandbox/types.ts";
import type { Answer, Attack, AttackPlace, Attempt, Deferred } from "./attack.ts";

/** Longer than any case takes: what is not done by then hangs. */
const HANGS_MS = 120_000;

/** Where a case was tried. */
export interface Where {
  readonly backend: BackendName;
  readonly user: "root" | "user";
  readonly runtime: "node" | "deno";
}

/** A case tried in one place. */
export interface Tried extends Where {
  readonly case: number;
  readonly expected: Answer;
  readonly answer: Attempt["answer"];
  readonly attempts: readonly Attempt[];
  readonly ms: number;
}

/** A case that cannot be tried in a place. */
export interface NotTried extends Where {
  readonly case: number;
  readonly why: string;
}

export type Result = Tried | NotTried;

/** All cases, each counted once: 98 = run + deferred + not_here. */
export interface Totals {
  readonly cases: number;
  readonly run: number;
  readonly refused: number;
  readonly denied: number;
  readonly killed: number;
  readonly held: number;
  /** Ways to attack that reached their aim where nothing guarded. */
  readonly controls: number;
  readonly failed: number;
  readonly escaped: number;
  readonly deferred: readonly { readonly case: number; readonly issue: number }[];
  readonly not_here: readonly { readonly case: number; readonly why: string }[];
}

/** Tries cases one after the other, each in a place of its own. */
export async function runAttacks(
  attacks: readonly Attack[],
  openPlace: () => Promise<AttackPlace & AsyncDisposable>,
  onResult: (result: Result) => void = () => {},
): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (const attack of attacks) {
    const place = await openPlace();
    const result = await runAttack(attack, place);
    results.push(result);
    onResult(result);
    await place[Symbol.asyncDispose]();
  }
  return results;
}

async function runAttack(attack: Attack, place: AttackPlace): Promise<Result> {
  const where: Where = {
    backend: place.backend,
    user: place.isRoot ? "root" : "user",
    runtime: place.runtime,
  };
  const why = attack.backends?.includes(place.backend) === false
    ? attack.why ?? `not on ${place.backend}`
    : await attack.obstacle?.(place);
  if (why !== undefined) return { case: attack.case, ...where, why };
  const began = performance.now();
  const expected = await attack.instead?.(place) ?? attack.expected;
  const attempts = await withDeadline(attack, place);
  const ms = Math.round(performance.now() - began);
  return { case: attack.case, ...where, expected, answer: answerOf(attempts, expected), attempts, ms };
}

async function withDeadline(attack: Attack, place: AttackPlace): Promise<readonly Attempt[]> {
  const broken = (note: string): Attempt[] => [
    { name: attack.name, answer: "failed", control: "not possible", note },
  ];
  let timer: NodeJS.Timeout | undefined;
  const hangs = new Promise<Attempt[]>((resolve) => {
    timer = setTimeout(() => resolve(broken("it hangs")), HANGS_MS);
  });
  try {
    return await Promise.race([attack.run(place), hangs]);
  } catch (error) {
    return broken(String(SkillError.isInstance(error) ? error.message : (error as Error).stack ?? error));
  } finally {
    clearTimeout(timer);
  }
}

/** What all ways together come to: one that got through says it all. */
function answerOf(attempts: readonly Attempt[], expected: Answer): Attempt["answer"] {
  if (attempts.some(({ answer }) => answer === "escaped")) return "escaped";
  const right = attempts.every(({ answer, control }) => answer === expected && control !== false);
  return attempts.length > 0 && right ? expected : "failed";
}

/** What is not as expected in a place, a line for each attempt. */
export function troubles(result: Result): string[] {
  if (!("attempts" in result) || result.answer === result.expected) return [];
  const { backend, user, runtime, expected } = result;
  const wrong = result.attempts.filter(({ answer, control }) => answer !== expected || control === false);
  return wrong.map(({ name, answer, control, note }) =>
    `case ${result.case} on ${backend} as ${user} on ${runtime}: ${name} ${answer}` +
    (control === false ? ", its control did not reach its aim" : "") + (note === undefined ? "" : `: ${note}`)
  );
}

/** Counts each case once, by what it came to in all places where it was tried. */
export function countAttacks(
  attacks: readonly Attack[],
  deferred: readonly Deferred[],
  results: readonly Result[],
): Totals {
  const counts = { refused: 0, denied: 0, killed: 0, held: 0, failed: 0, escaped: 0 };
  const notHere: { case: number; why: string }[] = [];
  const controls = new Set<string>();
  for (const attack of attacks) {
    const own = results.filter((result) => result.case === attack.case);
    const tried = own.filter((result) => "attempts" in result);
    for (const attempt of tried.flatMap(({ attempts }) => attempts)) {
      if (attempt.control === true) controls.add(`${attack.case} ${attempt.name}`);
    }
    if (tried.length > 0) counts[verdict(attack, tried)]++;
    else notHere.push({ case: attack.case, why: reasons(own) });
  }
  return {
    cases: attacks.length + deferred.length,
    run: attacks.length - notHere.length,
    ...counts,
    controls: controls.size,
    deferred: deferred.map(({ case: number, issue }) => ({ case: number, issue })),
    not_here: notHere,
  };
}

function verdict(attack: Attack, tried: readonly Tried[]): Attempt["answer"] {
  if (tried.some(({ answer }) => answer === "escaped")) return "escaped";
  return tried.every(({ answer, expected }) => answer === expected) ? attack.expected : "failed";
}

function reasons(results: readonly Result[]): string {
  const all = results.map((result) => "why" in result ? result.why : "").filter((why) => why !== "");
  return [...new Set(all)].join("; ") || "no sandbox works here";
}
