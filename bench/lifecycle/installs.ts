import { execFile } from "node:child_process";
import { mkdir, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { syncFolder } from "../../src/base/atomic-file.ts";
import type { Environments } from "../../src/environment/types.ts";
import type { UserEnvironment } from "../../src/environment/toolchain/user-environment.ts";
import type { SkillLibrary } from "../../src/lifecycle/skill-library.ts";
import { readPackageFiles } from "../../src/manifest/package-files.ts";
import { measureStarts } from "../runner/measure.ts";
import { BareUv } from "./bare-uv.ts";
import { packageCopy } from "./package-copy.ts";

const run = promisify(execFile);
const DEPENDENCY = "httpx";

/**
 * Sets installs beside the least that they could cost. Every install is of a skill that the home does not hold. `user`
 * is what `environments` go by.
 */
export async function installs(
  folder: string,
  library: SkillLibrary,
  environments: Environments,
  user: UserEnvironment,
): Promise<Record<string, number>> {
  return {
    ...await besideCopy(folder, library, await environments.python()),
    ...await besideUv(folder, library, environments, user),
  };
}

/** Without packages: beside writing the same files durably and starting Python once. */
async function besideCopy(
  folder: string,
  library: SkillLibrary,
  python: { readonly path: string },
): Promise<Record<string, number>> {
  const plain = await packageCopy(join(folder, "plain"), { id: "plain" });
  const place = join(folder, "copied");
  const { ours, floor } = await measureStarts({
    ours: () => install(library, plain),
    floor: async () => {
      await writeDurably(plain, place);
      await run(python.path, ["-I", "-c", "pass"]);
      return () => rm(place, { recursive: true });
    },
  }, 25);
  return { install_floor_ms: floor, install_ms: ours, install_ms_vs_floor: ours / floor };
}

/** With a package: beside the bare uv commands. uv's cache is warm for both. */
async function besideUv(
  folder: string,
  library: SkillLibrary,
  environments: Environments,
  user: UserEnvironment,
): Promise<Record<string, number>> {
  const dependencies = [DEPENDENCY];
  const needing = await packageCopy(join(folder, "needing"), { id: "needing", dependencies });
  const uv = await BareUv.record(environments, user, dependencies);
  try {
    const { ours, floor } = await measureStarts({
      ours: () => install(library, needing),
      floor: async () => {
        const place = await uv.install();
        return () => rm(place, { recursive: true });
      },
    }, 11);
    return { uv_ms: floor, install_deps_ms: ours, install_deps_vs_uv: ours / floor };
  } finally {
    await uv.close();
  }
}

async function install(library: SkillLibrary, source: string): Promise<() => Promise<unknown>> {
  const { id } = await library.install(source);
  return () => library.uninstall(id);
}

async function writeDurably(source: string, target: string): Promise<void> {
  const files = await readPackageFiles(source);
  await mkdir(target);
  for (const { path, bytes } of files) {
    const file = await open(join(target, path), "wx");
    await file.writeFile(bytes);
    await file.sync();
    await file.close();
  }
  await syncFolder(target);
}
