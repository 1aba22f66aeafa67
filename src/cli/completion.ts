import { plainText } from "../base/plain-text.ts";
import type { SkillInfo } from "../lifecycle/types.ts";
import type { Command } from "./command.ts";
import { SHELLS } from "./completion-scripts.ts";

/** A word that may stand where the cursor is, and what it means. */
export interface Candidate {
  readonly word: string;
  readonly about: string;
}

/** What candidates are taken from. Only what is needed is asked for. */
export interface CompletionSources {
  /** Names of all commands. */
  readonly names: readonly string[];
  /** The commands that begin with a word. */
  readonly commands: (word: string) => Promise<readonly Command[]>;
  /** The skills of the home that the words mean. */
  readonly skills: (dir: string | undefined) => Promise<readonly SkillInfo[]>;
}

/** Options that every command has. */
const COMMON: readonly (readonly [flags: string, about: string])[] = [
  ["--json", "one JSON document on standard output"],
  ["--dir <home>", "the home"],
  ["--help", "arguments, options and examples"],
];

/** Values that options take, by their name. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  "--status": ["pending", "testing", "active", "disabled", "quarantined"],
  "--log": ["install", "tests", "activate", "setup", "run"],
  "--space": ["dev"],
  "--tool-mode": ["read_only", "read_write", "full"],
};

const MOST_ABOUT = 60;

/**
 * What may stand in place of the last of some words. None: a file name, which the shell completes.
 *
 * @param words what stands behind the program's name, up to the cursor
 */
export async function completeWords(
  words: readonly string[],
  sources: CompletionSources,
): Promise<readonly Candidate[]> {
  const before = words.slice(0, -1), last = words.at(-1) ?? "";
  const found = await candidatesAfter(before, last, sources);
  return found.filter(({ word }) => word.startsWith(last)).map(({ word, about }) => ({
    word,
    about: plainText(about).replaceAll(/\s+/g, " ").slice(0, MOST_ABOUT),
  }));
}

async function candidatesAfter(
  before: readonly string[],
  last: string,
  sources: CompletionSources,
): Promise<readonly Candidate[]> {
  const [first, second] = before;
  if (first === undefined || first === "help") {
    const own = first === undefined ? ["help", "--help", "--version"] : [];
    return [...firstWords(sources.names), ...own].map(bare);
  }
  const commands = await sources.commands(first);
  const command = commands.find(({ name }) => name === first || name === `${first} ${second ?? ""}`);
  if (command === undefined) {
    const members = commands.filter(({ name }) => name.startsWith(`${first} `));
    return before.length > 1
      ? []
      : members.map(({ name, summary }) => candidate(name.split(" ")[1] ?? "", summary));
  }
  return await inCommand(command, before.slice(command.name.split(" ").length), last, sources);
}

async function inCommand(
  command: Command,
  before: readonly string[],
  last: string,
  { skills }: CompletionSources,
): Promise<readonly Candidate[]> {
  const options = [...command.options, ...COMMON];
  const takesValue = (flag: string): boolean =>
    options.some(([flags]) => flags.split(/[ ,]+/).includes(flag) && flags.includes("<"));
  const at = before.indexOf("--dir");
  const dir = at < 0 ? undefined : before[at + 1];
  const asked = before.at(-1) ?? "";
  if (takesValue(asked)) {
    return asked === "--skill" ? ids(await skills(dir)) : (VALUES[asked] ?? []).map(bare);
  }
  if (last.startsWith("-")) {
    return options.map(([flags, about]) => candidate(flags.split(/[ ,]+/)[0] ?? "", about));
  }
  const given = before.filter((word, index) => !word.startsWith("-") && !takesValue(before[index - 1] ?? ""));
  const [spec = ""] = command.args[given.length] ?? [];
  const kind = spec.replaceAll(/[<>[\].]/g, "");
  if (kind === "id") return ids(await skills(dir));
  if (kind === "shell") return SHELLS.map(bare);
  if (kind !== "tool") return [];
  const tools = (await skills(dir)).find(({ id }) => id === given[0])?.tools ?? [];
  return tools.map(({ name, description }) => candidate(name, description));
}

function ids(skills: readonly SkillInfo[]): readonly Candidate[] {
  return skills.map(({ id, description }) => candidate(id, description));
}

function firstWords(names: readonly string[]): readonly string[] {
  return [...new Set(names.map((name) => name.split(" ")[0] ?? ""))];
}

function candidate(word: string, about: string): Candidate {
  return { word, about };
}

function bare(word: string): Candidate {
  return { word, about: "" };
}
