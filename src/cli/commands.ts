import type { Command } from "./command.ts";

type Row = readonly [name: string, load: () => Promise<Command>];

const lifecycle = () => import("./commands/lifecycle.ts");
const lookUp = () => import("./commands/look-up.ts");
const proposals = () => import("./commands/proposals.ts");
const observe = () => import("./commands/observe.ts");
const secrets = () => import("./commands/secrets.ts");

/** A command has a file of its own, or shares one; loading it takes longer than most commands run, so each waits for its own. */
const ROWS: readonly Row[] = [
  ["new", async () => (await lifecycle()).newCommand],
  ["validate", async () => (await lifecycle()).validateCommand],
  ["pack", async () => (await lifecycle()).packCommand],
  ["install", async () => (await lifecycle()).installCommand],
  ["lock", async () => (await lifecycle()).lockCommand],
  ["test", async () => (await lifecycle()).testCommand],
  ["activate", async () => (await lifecycle()).activateCommand],
  ["setup", async () => (await lifecycle()).setupCommand],
  ["rollback", async () => (await lifecycle()).rollbackCommand],
  ["enable", async () => (await lifecycle()).enableCommand],
  ["disable", async () => (await lifecycle()).disableCommand],
  ["quarantine", async () => (await lifecycle()).quarantineCommand],
  ["update", async () => (await import("./commands/update.ts")).updateCommand],
  ["uninstall", async () => (await lifecycle()).uninstallCommand],
  ["run", async () => (await import("./commands/run.ts")).runCommand],
  ["list", async () => (await import("./commands/list.ts")).listCommand],
  ["search", async () => (await lookUp()).searchCommand],
  ["status", async () => (await observe()).statusCommand],
  ["logs", async () => (await observe()).logsCommand],
  ["stats", async () => (await observe()).statsCommand],
  ["generate", async () => (await import("./commands/making.ts")).generateCommand],
  ["proposals", async () => (await proposals()).proposalsCommand],
  ["approve", async () => (await proposals()).approveCommand],
  ["reject", async () => (await proposals()).rejectCommand],
  ["secrets set", async () => (await secrets()).secretsSetCommand],
  ["secrets list", async () => (await secrets()).secretsListCommand],
  ["secrets export", async () => (await secrets()).secretsExportCommand],
  ["secrets import", async () => (await secrets()).secretsImportCommand],
  ["secrets remove", async () => (await secrets()).secretsRemoveCommand],
  ["index rebuild", async () => (await lookUp()).indexRebuildCommand],
  ["doctor", async () => (await lookUp()).doctorCommand],
  ["trust", async () => (await lifecycle()).trustCommand],
  ["host", async () => (await import("./commands/host.ts")).hostCommand],
  ["completion", async () => (await import("./commands/completion.ts")).completionCommand],
];

/** Names of all commands, in the order of the help. */
export function commandNames(): readonly string[] {
  return ROWS.map(([name]) => name);
}

/** The commands that begin with `word`, in the order of the help; all of them when none does. */
export async function commandsFor(word: string | undefined): Promise<readonly Command[]> {
  const meant = ROWS.filter(([name]) => name.split(" ", 1)[0] === word);
  return await Promise.all((meant.length > 0 ? meant : ROWS).map(([, load]) => load()));
}

/** Every command of the command line. */
export function allCommands(): Promise<readonly Command[]> {
  return commandsFor(undefined);
}
