import { join } from "node:path";
import process from "node:process";
import { configFolder, type UserEnvironment } from "../../environment/toolchain/user-environment.ts";

/** Where the user's own settings lie. It is in no home, so no home can change what is in it. */
export function userConfigFolder(env: UserEnvironment = process.env): string {
  return join(configFolder(env), "skillwright");
}
