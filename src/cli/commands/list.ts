import { listSkills } from "../../operations/list-skills.ts";
import type { Command } from "../command.ts";
import { showSkills } from "../show.ts";

const NO_SKILLS = "no skills are installed; try: skillwright new ./my_skill";

export const listCommand: Command = {
  name: "list",
  summary: "list the skills of the home",
  args: [],
  options: [["--status <status>", "only those with this status"]],
  examples: ["skillwright list", "skillwright list --status active --json"],
  async run({ terminal, look, hint }, _args, { status }) {
    const answer = await listSkills(await look(), status);
    return {
      document: answer,
      text: answer.skills.length === 0 ? hint(NO_SKILLS) : showSkills(terminal, answer.skills),
    };
  },
};
