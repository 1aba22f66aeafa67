import type { OperationContext } from "../operations/types.ts";
import type { Terminal } from "./terminal.ts";

/** Options that commander parsed: camelCase names, text or boolean. */
export type Options = Readonly<Record<string, string | boolean | undefined>>;

/** What a command works with. `open` opens the home, once, when the command needs it. */
export interface CommandIo {
  readonly terminal: Terminal;
  readonly json: boolean;
  readonly open: (extra?: { readonly model?: string | undefined }) => Promise<OperationContext>;
}

/** Answer of a command: the document for `--json`, the text for a person, and whether what was asked for is so. */
export interface CommandAnswer {
  readonly document: unknown;
  readonly text: string;
  /** False: exit code 1, though nothing went wrong in between (tests failed, a package has errors). Default true. */
  readonly ok?: boolean;
}

/** One row of the command line. */
export interface Command {
  readonly name: string;
  readonly summary: string;
  /** As commander writes them: `<needed>`, `[optional]`. */
  readonly args: readonly (readonly [spec: string, description: string])[];
  readonly options: readonly (readonly [flags: string, description: string])[];
  readonly examples: readonly string[];
  run(io: CommandIo, args: readonly (string | undefined)[], options: Options): Promise<CommandAnswer>;
}
