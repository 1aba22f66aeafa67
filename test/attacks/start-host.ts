import { spawn } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { createLineReader } from "./line-reader.ts";
import type { HostOrder } from "./hosts/try-cases.ts";
import type { Result } from "./run-attacks.ts";

const HOST = fileURLToPath(new URL("hosts/try-cases.ts", import.meta.url));
const DENO = fileURLToPath(new URL("../../node_modules/deno/deno", import.meta.url));
const NOBODY = 65534;

/** Where a host runs. */
export interface HostPlace {
  readonly runtime: "node" | "deno";
  /** `user`: as nobody when this process is root. */
  readonly user: "root" | "user";
}

/**
 * Tries cases in a process of its own. The answer is why none was tried, or undefined.
 *
 * @throws when the process ends without having tried all
 */
export async function runHost(
  { runtime, user }: HostPlace,
  order: HostOrder,
  onResult: (result: Result) => void,
): Promise<string | undefined> {
  const home = mkdtempSync(join("/var/tmp", "skillwright-attacker-home-"));
  chmodSync(home, 0o777);
  let unusable: string | undefined;
  try {
    const nobody = user === "user" && process.getuid?.() === 0;
    const child = spawn(...command(runtime, JSON.stringify(order)), {
      stdio: ["ignore", "pipe", "inherit"],
      env: { PATH: "/usr/bin:/bin", HOME: home, DENO_DIR: join(home, "deno") },
      cwd: "/",
      ...(nobody ? { uid: NOBODY, gid: NOBODY } : {}),
    });
    const results = createLineReader((line) => {
      const said = JSON.parse(line) as Result | { readonly unusable: string };
      if ("unusable" in said) unusable = said.unusable;
      else onResult(said);
    });
    child.stdout.on("data", results);
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", resolve);
    });
    if (code !== 0) throw new Error(`the host on ${runtime} as ${user} ended with ${code}`);
    return unusable;
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

function command(runtime: "node" | "deno", order: string): [string, string[]] {
  if (runtime === "deno") {
    return ["Deno" in globalThis ? process.execPath : DENO, ["run", "-A", "--quiet", HOST, order]];
  }
  const flags = ["--experimental-strip-types", "--disable-warning=ExperimentalWarning"];
  return [process.execPath, [...flags, HOST, order]];
}
