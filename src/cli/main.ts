import process from "node:process";
import { Command as Commander, type Command as CommanderCommand, CommanderError } from "commander";
import { SkillError } from "../base/errors.ts";
import { findHome } from "../lifecycle/home/find-home.ts";
import { type HomeReader, readHome } from "../lifecycle/home/read-home.ts";
import type { openSkills, Skills } from "../skills.ts";
import { VERSION } from "../version.ts";
import type { Command, CommandIo, Options } from "./command.ts";
import { commandsFor } from "./commands.ts";
import { hintFor } from "./hint.ts";
import { makerByName } from "./maker.ts";
import { programsOfUser } from "./user-programs.ts";
import { showError, showProgress } from "./show.ts";
import type { Terminal } from "./terminal.ts";

/** Words that commands begin with, and what they are about. */
const GROUPS: Readonly<Record<string, string>> = {
  secrets: "keys and passwords of skills, sealed at rest",
  index: "the search index",
};

/** The help's headings, and the first words of what stands below them. */
const SECTIONS: Readonly<Record<string, readonly string[]>> = {
  "Packages:": ["new", "validate", "pack", "install", "lock", "test"],
  "Serving:": [
    "activate",
    "setup",
    "update",
    "rollback",
    "enable",
    "disable",
    "quarantine",
    "uninstall",
    "secrets",
  ],
  "Using:": ["list", "search", "run", "status", "logs", "stats"],
  "Making:": ["generate", "proposals", "approve", "reject"],
};
const OTHER = "This machine and others:";

/**
 * The command line. Answers the exit code: 0 done, 1 failed, 2 wrong use. With `--json` standard output holds exactly
 * one JSON document, on failure `{ "error": { code, message, fix } }`.
 *
 * @param openHome opens the home when a command needs it
 */
export async function main(
  given: readonly string[],
  terminal: Terminal,
  openHome: typeof openSkills = openAnyHome,
): Promise<number> {
  const argv = commandFirst(given);
  let exitCode = 0;
  const json = argv.some((given) => given === "--json" || given.startsWith("--json="));
  const program = new Commander("skillwright")
    .description("Skills for agents: find, run and make small sandboxed tools")
    .version(VERSION)
    .exitOverride()
    .configureHelp({ subcommandTerm: (command) => command.name() })
    .showHelpAfterError("see: skillwright --help")
    .helpCommand(false)
    .configureOutput({
      writeOut: (text) => terminal.print(text.trimEnd()),
      writeErr: (text) => terminal.note(text.trimEnd()),
    });
  for (const command of await commandsFor(argv[0])) {
    addCommand(program, command, async (args, options) => {
      exitCode = await runCommandOnce(command, args, options, terminal, openHome);
    });
  }
  // last, so that it stands last
  program.addHelpCommand(
    new Commander("help").argument("[command]").summary("show what a command takes and does").helpGroup(
      OTHER,
    ),
  );
  try {
    await program.parseAsync([...argv], { from: "user" });
    return exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return 0;
    if (json) terminal.print(JSON.stringify({ error: wrongUse(error).toValue() }));
    return 2;
  }
}

/** `skillwright --dir x list` means `skillwright list --dir x`: what every command takes may stand before its name. */
function commandFirst(argv: readonly string[]): readonly string[] {
  let at = 0;
  for (let word = argv[0]; word !== undefined; word = argv[at]) {
    if (word === "--dir") at += 2;
    else if (word === "--json" || word.startsWith("--dir=")) at += 1;
    else break;
  }
  if (at === 0 || at >= argv.length) return argv;
  const before = argv.slice(0, at), rest = argv.slice(at), end = rest.indexOf("--");
  return end < 0 ? [...rest, ...before] : [...rest.slice(0, end), ...before, ...rest.slice(end)];
}

/** What commander says of the arguments, as an error of ours: its second line is a suggestion. */
function wrongUse({ message }: CommanderError): SkillError {
  const [what = "", suggestion] = message.replace(/^error: /, "").split("\n");
  const fix = suggestion?.replace(/^\((.*?)\??\)$/, "$1").toLowerCase() ?? "see skillwright --help";
  return new SkillError("invalid_input", what, { fix });
}

function addCommand(
  program: CommanderCommand,
  command: Command,
  action: (args: (string | undefined)[], options: Options) => Promise<void>,
): void {
  const [word = "", ...rest] = command.name.split(" ");
  const parent = rest.length === 0 ? program : groupOf(program, word);
  const sub = parent.command(rest[0] ?? word).summary(command.summary.split(/[,;:]/)[0] ?? "").description(
    capitalised(command.summary),
  ).showHelpAfterError(`see: skillwright ${command.name} --help`);
  if (parent === program) sub.helpGroup(sectionOf(word));
  for (const [spec, description] of command.args) sub.argument(spec, description);
  for (const [flags, description] of command.options) sub.option(flags, description);
  // `run` takes its input after --json as well: `run weather --json '{"city": "Paris"}'`
  sub.option(
    command.name === "run" ? "--json [input]" : "--json",
    "one JSON document on standard output, nothing else",
  );
  sub.option("--dir <home>", "the home; default: SKILLWRIGHT_DIR, ./.skills, ~/.skillwright");
  sub.addHelpText("after", `\nExamples:\n${command.examples.map((example) => `  ${example}`).join("\n")}`);
  sub.action(async (...given: unknown[]) => {
    const values = given.slice(0, command.args.length).flat() as (string | undefined)[];
    await action(values, sub.opts<Options>());
  });
}

/** The commander command of a group, made when its first member comes. */
function groupOf(program: CommanderCommand, word: string): CommanderCommand {
  const known = program.commands.find((one) => one.name() === word);
  const about = GROUPS[word] ?? word;
  return known ??
    program.command(word).summary(about).description(capitalised(about)).helpGroup(sectionOf(word));
}

function sectionOf(word: string): string {
  return Object.entries(SECTIONS).find(([, words]) => words.includes(word))?.[0] ?? OTHER;
}

async function runCommandOnce(
  command: Command,
  args: readonly (string | undefined)[],
  options: Options,
  terminal: Terminal,
  openHome: typeof openSkills,
): Promise<number> {
  const json = options["json"] !== undefined && options["json"] !== false;
  let skills: Skills | undefined, reader: HomeReader | undefined;
  const dir = typeof options["dir"] === "string" ? options["dir"] : undefined;
  const io: CommandIo = {
    terminal,
    json,
    hint: (text) => hintFor(text, dir),
    async look() {
      reader = await readHome((await findHome(dir, process.env)).dir);
      return reader ?? (await io.open()).skills.library;
    },
    async open({ model, verifier } = {}) {
      const maker = await makerByName(model), second = await makerByName(verifier);
      skills ??= await openHome({
        ...programsOfUser(process.env),
        ...(dir === undefined ? {} : { dir, untrustedDir: true }),
      });
      return {
        skills,
        actor: { via: "cli" },
        signal: terminal.signal,
        ...(maker === undefined ? {} : { maker }),
        ...(second === undefined ? {} : { verifier: second.model }),
        onEvent: (event) => {
          if (terminal.interactive) showProgress(terminal, event);
        },
      };
    },
  };
  try {
    const { document, text, ok = true } = await command.run(io, args, options);
    if (json && document !== undefined) terminal.print(JSON.stringify(document));
    else if (text !== "") terminal.print(text);
    return ok ? 0 : 1;
  } catch (error) {
    const value = SkillError.from(error, "home_unusable", command.name).toValue();
    const shown = value.fix === undefined ? value : { ...value, fix: io.hint(value.fix) };
    if (json) terminal.print(JSON.stringify({ error: shown }));
    else terminal.note(showError(terminal, shown));
    return SkillError.isInstance(error) && error.code === "invalid_input" ? 2 : 1;
  } finally {
    await skills?.close();
    await reader?.close();
  }
}

/** Loads the parts of an opened home when a command opens one. */
async function openAnyHome(...options: Parameters<typeof openSkills>): Promise<Skills> {
  const { openSkills: open } = await import("../skills.ts");
  return await open(...options);
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
