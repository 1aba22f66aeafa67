import { shellWord } from "../base/shell-word.ts";
import { commandNames } from "./commands.ts";

/** They take no home, or name it themselves. */
const WITHOUT_HOME: ReadonlySet<string> = new Set(["trust", "completion"]);

/**
 * A text of ours in which the commands of this program are meant to be copied: each gets the home that was chosen by
 * `--dir`, so that it works on the same one.
 */
export function hintFor(text: string, dir: string | undefined): string {
  if (dir === undefined) return text;
  const names = commandNames().filter((name) => !WITHOUT_HOME.has(name)).join("|");
  const command = new RegExp(`\\bskillwright (?:${names})(?![\\w-])(?! --dir)`, "g");
  return text.replace(command, (found) => `${found} --dir ${shellWord(dir)}`);
}
