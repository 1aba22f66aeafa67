import type { SkillLibrary } from "../lifecycle/skill-library.ts";
import type { OperationContext } from "../operations/types.ts";
import type { Terminal } from "./terminal.ts";

/** Options that commander parsed: camelCase names, text or boolean. */
export type Options = Readonly<Record<string, string | boolean | undefined>>;

/**
 * What a command works with. `open` opens the home, once, when the command needs it; `look` reads its list without what
 * changing and running need.
 */
export interface CommandIo {
  readonly terminal: Terminal;
  readonly json: boolean;
  /** A text of ours with commands to copy, made such that they work on the home of this one. */
  readonly hint: (text: string) => string;
  readonly look: () => Promise<Pick<SkillLibrary, "list">>;
  readonly open: (extra?: Makers) => Promise<OperationContext>;
}

/** Chat models named on the command line, as `provider:name`. */
export interface Makers {
  readonly model?: string | undefined;
  readonly verifier?: string | undefined;
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
