import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { romanSkill } from "../lifecycle/support/open-home.ts";
import type { AttackPlace } from "./attack.ts";

/** Writes a package, the Roman numerals by default, into a folder of its own. */
export function writePackage(
  place: AttackPlace,
  files: Readonly<Record<string, string>> = romanSkill(),
): string {
  const root = place.fresh();
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}
