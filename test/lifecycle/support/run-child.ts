import { spawn } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import type { TestHome } from "./open-home.ts";

const CHILD = fileURLToPath(new URL("child.ts", import.meta.url));

/** How a child ended. */
export interface ChildEnd {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stderr: string;
}

/** Lets another process of this runtime do one thing to the home; `kill` names the point at which it is killed. */
export function runChild(
  home: TestHome,
  action: "install" | "activate" | "disable" | "rollback",
  subject: string,
  kill = "never",
): Promise<ChildEnd> {
  const task = JSON.stringify({ dir: home.dir, scratch: join(home.folder, "child"), action, subject, kill });
  const run = "deno" in process.versions ? ["run", "-A"] : [];
  const child = spawn(process.execPath, [...run, CHILD, task], { stdio: ["ignore", "ignore", "pipe"] });
  let stderr = "";
  child.stderr.on("data", (chunk: unknown) => (stderr += String(chunk)));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve({ code, signal, stderr }));
  });
}
