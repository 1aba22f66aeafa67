import { plainText } from "../base/plain-text.ts";
import { proposalText } from "../graph/proposal-text.ts";
import type { ProposedChange } from "../graph/approval.ts";
import type { Style, Terminal } from "./terminal.ts";
import type { SkillProposal } from "../lifecycle/changes/proposals.ts";

/** What a person reads before deciding: the proposal, what it adds to the permissions, and the diff against what serves. */
export function showProposal(
  terminal: Terminal,
  { proposal, replaces, diff, new_permissions }: { readonly proposal: SkillProposal } & ProposedChange,
): string {
  const { style } = terminal;
  const more = new_permissions.map((permission) => style("yellow", plainText(permission))).join(", ");
  return proposalText(
    proposal,
    (text) => style("bold", text),
    [
      ...(replaces === null ? [] : [`  takes the place of version ${replaces}`]),
      ...(more === "" ? [] : [`  ${replaces === null ? "asks for" : "asks for more:"} ${more}`]),
      ...(proposal.reuse === undefined ? [] : [`  instead of   ${plainText(proposal.reuse)}`]),
      showDiff(terminal, diff),
    ].join("\n"),
  );
}

/** A unified diff, coloured where the terminal has colours. */
export function showDiff({ style }: Pick<Terminal, "style">, diff: string): string {
  return diff.trimEnd().split("\n").map((line) => {
    const colour = colourOf(line);
    return colour === undefined ? plainText(line) : style(colour, plainText(line));
  }).join("\n");
}

function colourOf(line: string): Style | undefined {
  if (line.startsWith("+++ ") || line.startsWith("--- ")) return "bold";
  if (line.startsWith("@@")) return "cyan";
  if (line.startsWith("+")) return "green";
  return line.startsWith("-") ? "red" : undefined;
}
