import { homedir } from "node:os";
import { join } from "node:path";
import process from "node:process";

/** Where the user's own settings lie. It is in no home, so no home can change what is in it. */
export function userConfigFolder(env: Readonly<Record<string, string | undefined>> = process.env): string {
  const config = env["XDG_CONFIG_HOME"];
  const base = config === undefined || config === "" ? join(homedir(), ".config") : config;
  return join(base, "skillwright");
}
