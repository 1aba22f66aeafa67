import { Buffer } from "node:buffer";
import { Readable, Writable } from "node:stream";
import { main } from "../../src/cli/main.ts";
import type { Terminal } from "../../src/cli/terminal.ts";
import { createSandbox } from "../../src/sandbox/create-sandbox.ts";
import type { SandboxBackend } from "../../src/sandbox/types.ts";
import { openSkills } from "../../src/skills.ts";

/** What a command wrote, and how it ended. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly notes: string;
  /** The one JSON document of standard output. */
  json(): unknown;
}

/** What is different from a plain run. */
export interface CliOptions {
  readonly stdin?: string | Uint8Array;
  /** Whether search loads the shipped model. Default: it goes by words. */
  readonly withModel?: boolean;
  /** Default: the one that this machine has. */
  readonly sandbox?: SandboxBackend;
}

// One for all runs of a file: its canary runs once.
const shared = createSandbox();

/** Runs the command line in this process, with no terminal. */
export async function cli(
  argv: readonly string[],
  { stdin = "", withModel = false, sandbox = shared }: CliOptions = {},
): Promise<Ran> {
  const printed: string[] = [], notes: string[] = [];
  const words = withModel ? {} : { embeddings: "none" as const };
  const terminal: Terminal = {
    interactive: false,
    print: (text) => void printed.push(text),
    note: (text) => void notes.push(text),
    style: (_style, text) => text,
    stdin: Readable.from(stdin.length === 0 ? [] : [Buffer.from(stdin)]),
    stdout: new Writable({
      write(chunk: Uint8Array, _encoding, done) {
        printed.push(Buffer.from(chunk).toString());
        done();
      },
    }),
    signal: new AbortController().signal,
  };
  const code = await main(argv, terminal, (options) => openSkills({ ...options, ...words, sandbox }));
  const stdout = printed.join("\n");
  return {
    code,
    stdout,
    notes: notes.join("\n"),
    json() {
      if (printed.length !== 1) throw new Error(`standard output holds ${printed.length} texts: ${stdout}`);
      return JSON.parse(stdout) as unknown;
    },
  };
}
