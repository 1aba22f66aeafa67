import { fileURLToPath } from "node:url";
import { openSkills, type Skills } from "../../src/skills.ts";

const PACKAGE: string = fileURLToPath(new URL("echo_skill", import.meta.url));

/** A home as an agent's host opens it: history is kept, schemas are checked, settings are the defaults. */
export function openHome(dir: string): Promise<Skills> {
  return openSkills({ dir, embeddings: "none" });
}

/** Makes a home with the skill `echo` in it. */
export async function makeHome(dir: string): Promise<void> {
  const skills = await openHome(dir);
  try {
    await skills.library.install(PACKAGE);
    await skills.library.activate("echo");
  } finally {
    await skills.close();
  }
}
