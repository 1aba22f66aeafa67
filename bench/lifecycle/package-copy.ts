import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ORIGINAL: string = fileURLToPath(new URL("../runner/echo_skill", import.meta.url));

/** Writes the package of a small skill to `folder` and gives the folder. */
export async function packageCopy(
  folder: string,
  { id, dependencies = [] }: { readonly id: string; readonly dependencies?: readonly string[] },
): Promise<string> {
  await cp(ORIGINAL, folder, { recursive: true });
  await edit(join(folder, "manifest.toml"), 'id = "echo"', `id = "${id}"`);
  await edit(join(folder, "skill.py"), "dependencies = []", `dependencies = ${JSON.stringify(dependencies)}`);
  return folder;
}

async function edit(path: string, from: string, to: string): Promise<void> {
  await writeFile(path, (await readFile(path, "utf8")).replace(from, to));
}
