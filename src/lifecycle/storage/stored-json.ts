import { SkillError } from "../../base/errors.ts";

/** JSON that this library wrote into `home.db`. @throws {SkillError} `home_unusable` when it is damaged */
export function parseStored(text: unknown, what: string): unknown {
  try {
    return JSON.parse(String(text));
  } catch (error) {
    throw damagedRecord(what, error);
  }
}

/** The error for a record that is not what this library wrote, naming what it is of. */
export function damagedRecord(what: string, cause?: unknown): SkillError {
  return new SkillError("home_unusable", `the record of ${what} in home.db is damaged`, {
    cause,
    fix: "put a backup of home.db in its place; if it is somebody else's home, do not trust this home",
  });
}
