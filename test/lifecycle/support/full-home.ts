import { cpSync } from "node:fs";
import { join } from "node:path";
import { romanSkill, type TestHome } from "./open-home.ts";

/** Makes the home one in which everything is that a home has: two versions, secrets, an environment, a snapshot. */
export async function fillHome(home: TestHome): Promise<void> {
  const library = await home.open();
  const files = romanSkill("1.0.0"), manifest = files["manifest.toml"] ?? "";
  const first = {
    ...files,
    "manifest.toml": manifest.replace("default_tool", 'setup = "configure"\ndefault_tool'),
    "skill.py": `${files["skill.py"]}\n\ndef configure():\n    return {"env": {"MODE": "old"}}\n`,
  };
  await library.install(home.write("v1", first));
  await library.activate("roman");
  await library.setup("roman");
  await library.secrets.set({ skill: "roman", name: "KEY", value: "of the skill" });
  await library.secrets.set({ name: "KEY", value: "of the home" });
  await library.install(home.write("v2", romanSkill("2.0.0")));
  await library.activate("roman");
  await library.close();
}

/** Copies the home beside itself and gives the folder. It must not be open. */
export function copyHome(home: TestHome, name: string): string {
  const dir = join(home.folder, name);
  cpSync(home.dir, dir, { recursive: true, verbatimSymlinks: true });
  return dir;
}
