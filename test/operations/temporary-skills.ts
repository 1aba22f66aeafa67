import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSandbox } from "../../src/sandbox/create-sandbox.ts";
import { openSkills, type OpenSkillsOptions, type Skills } from "../../src/skills.ts";

/** A real home in a folder of its own. */
export interface TemporarySkills {
  readonly skills: Skills;
  readonly dir: string;
  /** Installs and activates package folders. */
  serve(...folders: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

/** Options of `openSkills`, and whether the shipped model is loaded for the search. */
export interface TemporaryOptions extends OpenSkillsOptions {
  readonly withModel?: boolean;
}

// One for all homes of a file: its canary runs once.
const sandbox = createSandbox();

/** Opens a home that is gone when it is closed. Search goes by words unless the model is asked for. */
export async function temporarySkills(
  { withModel = false, ...options }: TemporaryOptions = {},
): Promise<TemporarySkills> {
  const dir = mkdtempSync(join(tmpdir(), "skillwright-front-"));
  const words = withModel ? {} : { embeddings: "none" as const };
  const skills = await openSkills({ dir, sandbox, ...words, ...options });
  return {
    skills,
    dir,
    async serve(...folders) {
      for (const folder of folders) {
        const { id } = await skills.library.install(folder);
        await skills.library.activate(id);
      }
    },
    async close() {
      await skills.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
