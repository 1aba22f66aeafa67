import { SkillError } from "../base/errors.ts";

/** JSON that this library wrote into `home.db`. @throws {SkillError} `home_unusable` when it is damaged, naming what it is of */
export function parseStored(text: unknown, what: string): unknown {
  try {
    return JSON.parse(String(text));
  } catch (error) {
    throw new SkillError("home_unusable", `the record of ${what} in home.db is damaged`, {
      cause: error,
      fix: "put a backup of home.db in its place",
    });
  }
}
