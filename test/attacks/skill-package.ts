import { join } from "node:path";
import type { Skills } from "../../src/skills.ts";
import type { AttackPlace } from "./attack.ts";

/** A package as it lies on disk. */
export interface PackageText {
  readonly id: string;
  readonly code: string;
  readonly tools: readonly string[];
  /** TOML below `[security.permissions]`. */
  readonly permissions?: string;
  readonly version?: string;
  /** TOML that stands above the tools. */
  readonly extra?: string;
}

/** Writes a package and gives its folder. */
export function writePackage(place: AttackPlace, text: PackageText): string {
  const { id, code, tools, permissions = "", version = "1.0.0", extra = "" } = text;
  const folder = place.fresh();
  const write = (name: string, content: string) =>
    place.file(join(folder.slice(place.dir.length), name), content);
  write(
    "manifest.toml",
    `id = "${id}"
name = "${id}"
version = "${version}"
description = "Attacks from within a skill"
default_tool = "${tools[0]}"
mode = "one_shot"
${extra}
${tools.map((name) => `[[tools]]\nname = "${name}"\n`).join("")}
[security.permissions]
${permissions}
`,
  );
  write("skill.py", `# /// script\n# requires-python = ">=3.9"\n# dependencies = []\n# ///\n${code}`);
  return folder;
}

/** Installs and activates a package. */
export async function addSkill(place: AttackPlace, skills: Skills, text: PackageText): Promise<void> {
  await skills.library.install(writePackage(place, text));
  await skills.library.activate(text.id);
}
