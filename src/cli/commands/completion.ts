import process from "node:process";
import { SkillError } from "../../base/errors.ts";
import { nearest } from "../../base/nearest.ts";
import { findHome } from "../../lifecycle/home/find-home.ts";
import { readHome } from "../../lifecycle/home/read-home.ts";
import type { SkillInfo } from "../../lifecycle/types.ts";
import type { Command, CommandAnswer } from "../command.ts";
import { commandNames, commandsFor } from "../commands.ts";
import { completeWords } from "../completion.ts";
import { COMPLETION_SCRIPTS, SHELLS } from "../completion-scripts.ts";

export const completionCommand: Command = {
  name: "completion",
  summary: "print what teaches a shell to complete commands, options and ids",
  args: [
    ["<shell>", "bash, zsh or fish; words: what these ask for while you type"],
    ["[words...]", "with words, behind --: the line up to the cursor"],
  ],
  options: [],
  examples: [
    "source <(skillwright completion bash)    # in ~/.bashrc",
    "source <(skillwright completion zsh)     # in ~/.zshrc, behind compinit",
    "skillwright completion fish | source     # in ~/.config/fish/config.fish",
    "skillwright completion words -- run wo",
  ],
  async run(_io, [shell, ...words]): Promise<CommandAnswer> {
    if (shell === "words") {
      const found = await completeWords(words.filter((word) => word !== undefined), {
        names: commandNames(),
        commands: async (word) =>
          commandNames().some((name) => name.split(" ")[0] === word) ? await commandsFor(word) : [],
        skills: skillsOf,
      });
      return {
        document: { words: found },
        text: found.map(({ word, about }) => `${word}\t${about}`).join("\n"),
      };
    }
    const known = SHELLS.find((name) => name === shell);
    if (known !== undefined) {
      const script = COMPLETION_SCRIPTS[known];
      return { document: { shell: known, script }, text: script };
    }
    const near = nearest(shell ?? "", SHELLS);
    throw new SkillError("invalid_input", `"${shell ?? ""}" is no shell that is known here`, {
      fix: near === undefined ? `use one of ${SHELLS.join(", ")}` : `did you mean "${near}"`,
    });
  },
};

/** Only what can be read at once: nobody wants a home to be made, or trusted, by pressing a key. */
async function skillsOf(dir: string | undefined): Promise<readonly SkillInfo[]> {
  const reader = await readHome((await findHome(dir, process.env)).dir);
  try {
    return await reader?.list() ?? [];
  } finally {
    await reader?.close();
  }
}
