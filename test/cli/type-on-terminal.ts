import { execFile } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { findCanaryPython } from "../../src/sandbox/canary/canary-python.ts";

const TYPIST = fileURLToPath(new URL("type-on-terminal.py", import.meta.url));
const BIN = fileURLToPath(new URL("../../src/cli/bin.ts", import.meta.url));
const BEFORE_BIN = "Deno" in globalThis ? ["run", "-A"] : [];

/** What a terminal showed, and how the command ended. */
export interface OnTerminal {
  readonly code: number | null;
  readonly shown: string;
  /** The terminal's settings and cursor are as they were before. */
  readonly restored: boolean;
}

/**
 * Runs the command line on a terminal of its own; each answer is typed when its question was shown. One that is a
 * number is sent as a signal.
 */
export async function typeOnTerminal(
  args: readonly string[],
  answers: readonly (readonly [question: string, typed: string | number])[],
): Promise<OnTerminal> {
  const { path } = await findCanaryPython();
  // Where everything is built unattended the environment says so, and nobody is asked.
  const { CI: _, ...env } = process.env;
  const order = { argv: [process.execPath, ...BEFORE_BIN, BIN, ...args], answers };
  return await new Promise((resolve) => {
    const child = execFile(
      path,
      [TYPIST, JSON.stringify(order)],
      { timeout: 50_000, env },
      (_error, printed) => {
        const told = JSON.parse(printed) as Omit<OnTerminal, "code">;
        resolve({ code: child.exitCode, ...told });
      },
    );
  });
}
