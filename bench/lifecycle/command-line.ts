import { execFile } from "node:child_process";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { measure } from "../runner/measure.ts";

const run = promisify(execFile);
const ROOT: string = fileURLToPath(new URL("../..", import.meta.url));

/** Sets `skillwright list` over the home at `home` beside a Node that does nothing. `program` is what `build` gave. */
export async function commandLine(program: string, home: string): Promise<Record<string, number>> {
  const args = ["--disable-warning=ExperimentalWarning", program, "list", "--dir", home];
  const list = () => run(process.execPath, args);
  const { stdout } = await list();
  if (!stdout.includes(" active\n")) throw new Error(`skillwright list said: ${stdout.slice(0, 200)}`);
  const node = () => run(process.execPath, ["-e", "0"]);
  const times = await measure({ node, list }, { rounds: 41, actions: 1 });
  return { node_ms: times.node, cli_list_ms: times.list, cli_list_vs_node: times.list / times.node };
}

/** Builds the command line as users run it; the answer is its program. What lies in `dist` may be older. */
export async function buildCommandLine(folder: string): Promise<string> {
  await mkdir(folder);
  await writeFile(join(folder, "package.json"), '{ "type": "module" }');
  for (const name of ["node_modules", "python"]) await symlink(join(ROOT, name), join(folder, name));
  const compiler = join(ROOT, "node_modules/typescript/bin/tsc");
  const project = join(ROOT, "tsconfig.build.json");
  await run(process.execPath, [compiler, "-p", project, "--outDir", join(folder, "dist")]);
  return join(folder, "dist/cli/bin.js");
}
