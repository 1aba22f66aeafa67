import { createRequire, syncBuiltinESMExports } from "node:module";
import { watchDatabases } from "./databases.ts";
import { type HandlePaths, watchFileHandles, watchFiles } from "./files.ts";
import { watchFilesSync } from "./files-sync.ts";
import { Gate } from "./gate.ts";
import { watchSpawns } from "./spawns.ts";

/**
 * Puts a gate before every operation of this process that changes a file or a database, whichever module does it:
 * `node:fs/promises` with its file handles, the synchronous half of `node:fs`, `node:sqlite`, and the start of
 * processes. Not before callback functions and streams of `node:fs`. What removes or makes a whole tree, or writes a
 * whole file, is taken apart into the steps that the system takes.
 *
 * For Node. To be called before the modules whose operations count are loaded, and once: see `preload.ts`.
 */
export async function installGate(): Promise<Gate> {
  const gate = new Gate();
  const require = createRequire(import.meta.url);
  const fs = require("node:fs") as Record<string, unknown>;
  const promises = fs["promises"] as Record<string, unknown>;
  const paths: HandlePaths = new WeakMap();
  await watchFileHandles(gate, paths);
  watchFiles(gate, promises, paths);
  watchFilesSync(gate, fs);
  watchSpawns(gate, require("node:child_process") as Record<string, unknown>);
  watchDatabases(gate);
  syncBuiltinESMExports();
  return gate;
}
