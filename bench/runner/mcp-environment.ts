import { createHash, randomUUID } from "node:crypto";
import { mkdir, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { createEnvironments } from "../../src/environment/create-environments.ts";
import { checkPins, type Pin } from "../../src/environment/install/pins.ts";
import { defaultCacheDir } from "../../src/environment/toolchain/user-environment.ts";

/** What `uv pip compile --universal --generate-hashes --python-version 3.11` makes of the Python MCP SDK. */
const REQUIREMENTS: URL = new URL("mcp-requirements.txt", import.meta.url);

/**
 * The interpreter of an environment with the Python MCP SDK. It is installed at first, from wheels of pinned versions,
 * and kept in the cache; no file of it has run before its hash was found among the pinned ones.
 *
 * @throws {SkillError} `index_unreachable`, and what else keeps it from being installed
 */
export async function mcpInterpreter(): Promise<string> {
  const text = await readFile(REQUIREMENTS, "utf8");
  const environments = createEnvironments();
  const { version } = await environments.python();
  const name = createHash("sha256").update(`${version}\n${text}`).digest("hex").slice(0, 16);
  const folder = join(defaultCacheDir(process.env), "bench", `mcp-${name}`);
  const interpreter = join(folder, "venv", "bin", "python");
  if (await stat(interpreter).catch(() => undefined) !== undefined) return interpreter;
  const stage = `${folder}.${randomUUID()}`;
  await mkdir(stage, { recursive: true });
  try {
    const pinned = checkPins(text, []);
    const request = {
      dependencies: pinned.map(asRequirement),
      requires_python: ">=3.11",
      isolation: "venv",
    } as const;
    const { pins } = await environments.build(stage, request, { onLog: (line) => console.error(line) });
    requirePinned(checkPins(pins, []), pinned);
    await rename(stage, folder);
    return interpreter;
  } finally {
    await rm(stage, { recursive: true, force: true });
  }
}

function asRequirement({ name, version, marker }: Pin): string {
  return `${name}==${version}${marker === undefined ? "" : `; ${marker}`}`;
}

function requirePinned(found: readonly Pin[], pinned: readonly Pin[]): void {
  const known = new Set(pinned.flatMap(({ hashes }) => hashes));
  const strange = found.filter(({ hashes }) => !hashes.every((hash) => known.has(hash)));
  if (strange.length === 0) return;
  throw new Error(
    `the index has files that are not pinned in mcp-requirements.txt, of ${
      strange.map(({ name, version }) => `${name} ${version}`).join(", ")
    }`,
  );
}
