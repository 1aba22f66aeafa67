import { Buffer } from "node:buffer";
import { spawn } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";

const BIN = fileURLToPath(new URL("../../src/cli/bin.ts", import.meta.url));
// Under Deno the tests' own executable is deno, which needs to be told what it is to do.
const BEFORE_BIN = "Deno" in globalThis ? ["run", "-A"] : [];

/** How a run of the command line ended. */
export interface CliEnd {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command line from source as a process of its own, on the runtime that runs the test. */
export function runCli(args: readonly string[], stdin: string | Uint8Array = ""): Promise<CliEnd> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...BEFORE_BIN, BIN, ...args], { stdio: ["pipe", "pipe", "pipe"] });
    const stdout: Buffer[] = [], stderr: Buffer[] = [];
    child.stdout.on("data", (part: Buffer) => stdout.push(part));
    child.stderr.on("data", (part: Buffer) => stderr.push(part));
    child.on("error", reject);
    // A command that reads no input may be gone before it is written.
    child.stdin.on("error", () => {});
    child.stdin.end(stdin);
    child.on("close", (code) => resolve({ code, stdout: textOf(stdout), stderr: textOf(stderr) }));
  });
}

function textOf(parts: readonly Buffer[]): string {
  return Buffer.concat(parts).toString("utf8");
}
