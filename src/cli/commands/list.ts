import { listSkills } from "../../operations/list-skills.ts";
import type { Command } from "../command.ts";
import { showSkills } from "../show.ts";

export const listCommand: Command = {
  name: "list",
  summary: "list the skills of the home",
  args: [],
  options: [["--status <status>", "only those with this status"]],
  examples: ["skillwright list", "skillwright list --status active --json"],
  async run({ terminal, look }, _args, { status }) {
    const answer = await listSkills(await look(), status);
    return { document: answer, text: showSkills(terminal, answer.skills) };
  },
};
