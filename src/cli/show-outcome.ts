import { counted } from "../base/counted.ts";
import { plainText } from "../base/plain-text.ts";
import type { GenerationReport, GeneratorOutcome } from "../graph/types.ts";
import { proposal } from "../operations/generate.ts";
import { perform } from "../operations/perform.ts";
import type { OperationContext } from "../operations/types.ts";
import type { CommandAnswer, CommandIo } from "./command.ts";
import { showFindings, showSkill, showTests } from "./show.ts";
import { showProposal } from "./show-proposal.ts";

/** How a generation ended, for people and for programs. */
export async function showOutcome(
  { terminal, hint }: CommandIo,
  context: OperationContext,
  outcome: GeneratorOutcome,
): Promise<CommandAnswer> {
  switch (outcome.outcome) {
    case "existing_match":
      return { document: outcome, text: `${outcome.skill_id} already does this (${plainText(outcome.how)})` };
    case "proposed": {
      const shown = await perform(proposal, context, { id: outcome.proposal.id });
      const approve_with = hint(outcome.approve_with);
      const text = [showProposal(terminal, shown), took(outcome.report), `approve with: ${approve_with}`];
      return { document: { ...outcome, approve_with }, text: text.join("\n") };
    }
    case "installed":
      return { document: outcome, text: showSkill(terminal, outcome.skill) };
    case "rejected":
      return { document: outcome, text: `rejected: ${plainText(outcome.reason)}`, ok: false };
    case "failed": {
      const lines = [
        `${terminal.style("red", outcome.code)}: ${plainText(outcome.reason)}`,
        ...(outcome.fix === undefined ? [] : [`  ${plainText(hint(outcome.fix))}`]),
        ...(outcome.findings.length === 0 ? [] : [showFindings(terminal, outcome.findings)]),
        ...(outcome.tests === null ? [] : [showTests(terminal, outcome.tests)]),
        took(outcome.report),
      ];
      return { document: outcome, text: lines.join("\n"), ok: false };
    }
    default:
      return outcome satisfies never;
  }
}

function took({ maker, verifier, rounds, turns, tokens, stages_ms }: GenerationReport): string {
  const seconds = Object.values(stages_ms).reduce((sum, ms) => sum + ms, 0) / 1000;
  const checked = verifier === undefined ? "" : `, checked by ${plainText(verifier)}`;
  return `made by ${plainText(maker)}${checked}: ${counted(rounds, "round")}, ${counted(turns, "turn")}, ${
    counted(tokens, "token")
  }, ${seconds.toFixed(1)} s`;
}
