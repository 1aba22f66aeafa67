import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { createEnvironments } from "../../src/environment/create-environments.ts";
import { testCache } from "../test-cache.ts";
import { outcomeOf } from "./trial.ts";

/** One cache for all runs of this user, so that uv is downloaded once. */
export function sharedCache(): string {
  const folder = join(testCache(), "skillwright");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return folder;
}

/** Why uv cannot be had here. */
export async function withoutUv(): Promise<string | undefined> {
  const { error } = await outcomeOf(() => createEnvironments({ cacheDir: sharedCache() }).uv());
  return error === undefined ? undefined : `uv cannot be had here: ${error.message}`;
}
