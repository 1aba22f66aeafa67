import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

const BIN = fileURLToPath(new URL("../../src/cli/bin.ts", import.meta.url));
const BEFORE_BIN = "Deno" in globalThis ? ["run", "-A"] : [];

/** A running command line that can be talked to. It is ended with the test. */
export interface RunningCli {
  readonly child: ChildProcessWithoutNullStreams;
  /** The next line of standard output; throws when there is none. */
  line(): Promise<string>;
  /** Exit code, and what came on standard output that was not read by `line`. */
  readonly ended: Promise<{ readonly code: number | null; readonly rest: string }>;
}

/** Starts the command line from source as a process of its own. */
export function startCli(args: readonly string[]): RunningCli {
  const child = spawn(process.execPath, [...BEFORE_BIN, BIN, ...args], { stdio: ["pipe", "pipe", "pipe"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  child.stdin.on("error", () => {});
  let text = "", over = false;
  let wake = (): void => {};
  child.stdout.setEncoding("utf8").on("data", (part: string) => {
    text += part;
    wake();
  });
  const ended = new Promise<{ code: number | null; rest: string }>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      over = true;
      wake();
      resolve({ code, rest: text });
    });
  });
  return {
    child,
    ended,
    async line() {
      while (!text.includes("\n")) {
        if (over) throw new Error(`the command line ended with ${JSON.stringify(text)}`);
        await new Promise<void>((resolve) => (wake = resolve));
      }
      const end = text.indexOf("\n");
      const line = text.slice(0, end);
      text = text.slice(end + 1);
      return line;
    },
  };
}
