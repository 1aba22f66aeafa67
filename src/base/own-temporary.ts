import { readdirSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { hasEnded, identityText, ownIdentity, readIdentity } from "./process-identity.ts";

/** A free path beside a file, for what is to take its place. It says whose it is: `removeLeftBeside` removes what dead processes left. */
export function ownTemporary(path: string): string {
  const owner = `${identityText(ownIdentity())}-${crypto.randomUUID()}`;
  return join(dirname(path), `${prefixOf(path)}${owner}.tmp`);
}

/** Removes what processes that were killed left beside a file. Never throws. */
export function removeLeftBeside(path: string): void {
  const folder = dirname(path), prefix = prefixOf(path);
  try {
    for (const name of readdirSync(folder)) {
      if (!name.startsWith(prefix)) continue;
      const owner = readIdentity(name.slice(prefix.length));
      if (owner !== undefined && hasEnded(owner)) rmSync(join(folder, name), { force: true });
    }
  } catch {
    // Without the folder there is nothing to remove; what can't be removed is tried again the next time.
  }
}

function prefixOf(path: string): string {
  return `.${basename(path)}.`;
}
