import type { SkillLibrary } from "../lifecycle/skill-library.ts";
import type { MakingEntry } from "../observe/history.ts";
import type { SkillGraphState } from "./state.ts";
import type { GeneratorOutcome } from "./types.ts";

/** Characters of texts that are kept. */
const MOST = 500;

/** Keeps what a generation took and how it stands. Of one run the last note counts. */
export function noteMaking(
  library: SkillLibrary,
  { run, intent, started_at, proposal_id, checked }: Pick<
    SkillGraphState,
    "run" | "intent" | "started_at" | "proposal_id" | "checked"
  >,
  outcome: GeneratorOutcome,
): void {
  const { report } = outcome;
  library.noteMaking({
    id: run,
    intent: intent.slice(0, MOST),
    outcome: outcome.outcome,
    code: outcome.outcome === "failed" ? outcome.code : null,
    ...made(outcome, checked?.manifest ?? null),
    proposal_id,
    maker: report.maker,
    verifier: report.verifier ?? null,
    reuse: report.reuse.slice(0, MOST),
    rounds: report.rounds,
    turns: report.turns,
    tokens: Math.round(report.tokens),
    started_at,
    wall_ms: Object.values(report.stages_ms).reduce((sum, ms) => sum + ms, 0),
  });
}

/** What was made, or was there; of a failure the last version that could be read. */
function made(
  outcome: GeneratorOutcome,
  last: { readonly id: string; readonly version: string } | null,
): Pick<MakingEntry, "skill_id" | "version"> {
  switch (outcome.outcome) {
    case "existing_match":
      return { skill_id: outcome.skill_id, version: null };
    case "failed":
      return { skill_id: last?.id ?? null, version: last?.version ?? null };
    case "proposed":
    case "installed":
    case "rejected":
      return { skill_id: outcome.proposal.skill_id, version: outcome.proposal.version };
    default:
      return outcome satisfies never;
  }
}
