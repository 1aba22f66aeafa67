import type { GraphContext } from "../config.ts";
import { nextRound } from "../next-round.ts";
import type { StageWork } from "../stage-node.ts";
import { tryStaged } from "../staging.ts";
import type { SkillGraphState, StateUpdate } from "../state.ts";
import { keptExamples } from "../kept-examples.ts";
import { askVerifier, disagreements } from "../verifier.ts";

/**
 * What the tests cannot say. A new version of a skill must go on passing that skill's own examples; and where there is
 * a verifier, its checks run: the maker is told once where they fail, then the person is.
 */
export const verify: StageWork = async (context, state, run) => {
  const broken = await breaksWhatWas(context, state, run.signal);
  if (broken !== null) {
    run.emit({
      kind: "test",
      stage: "verify",
      status: "failed",
      detail: "examples of the version that serves",
    });
    return broken;
  }
  if (context.verifier === null || state.staged === null) return {};
  const asked = state.checks === null
    ? await askVerifier(context, context.verifier, state, run.signal)
    : null;
  const checks = state.checks ?? asked?.checks ?? [];
  const known: StateUpdate = asked === null
    ? {}
    : { checks, tokens: state.tokens + asked.tokens, findings: [...state.findings, ...asked.findings] };
  if (checks.length === 0) return known;
  const tried = await tryStaged(context.skills.library, state.staged, checks, run.signal);
  const failed = tried.tests?.given.filter(({ status }) => status === "failed") ?? [];
  const detail = `${checks.length - failed.length} of ${checks.length} checks of the verifier hold`;
  run.emit({ kind: "test", stage: "verify", status: failed.length === 0 ? "finished" : "failed", detail });
  if (failed.length === 0) return known;
  if (mayAskAgain(context, state)) {
    const next = nextRound(context, { ...state, ...known }, tried, { shown: checks.length, said: DOUBT });
    return { ...known, ...next, objected: true };
  }
  return { ...known, findings: [...(known.findings ?? state.findings), ...disagreements(failed)] };
};

const DOUBT =
  "It passed its tests. Somebody who knows only the intent and the interface expects this as well. Where " +
  "they are right, repair it; where the intent says otherwise, leave it as it is.";

/** A person's edit, and a version that the maker kept although it was told, go on to the person. */
function mayAskAgain({ model, config }: GraphContext, { edited, objected, round }: SkillGraphState): boolean {
  return model !== null && !edited && !objected && round < config.max_test_rounds;
}

async function breaksWhatWas(
  context: GraphContext,
  state: SkillGraphState,
  signal: AbortSignal | undefined,
): Promise<StateUpdate | null> {
  const { library } = context.skills;
  const { staged, checked } = state;
  if (staged === null || checked === null) return null;
  const kept = await keptExamples(library, checked.manifest.id);
  if (kept.length === 0) return null;
  const tried = await tryStaged(library, staged, kept, signal);
  if (tried.tests?.passed === true) return null;
  const said = `It breaks what version ${
    (await library.info(checked.manifest.id)).version
  } of this skill does: its callers rely on these examples.`;
  return nextRound(context, state, tried, { shown: kept.length, said });
}
