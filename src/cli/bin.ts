#!/usr/bin/env -S node --disable-warning=ExperimentalWarning
import module from "node:module";
import { join } from "node:path";
import process from "node:process";
import { defaultCacheDir } from "../environment/toolchain/user-environment.ts";

// Node 22 warns that SQLite is experimental; what else it warns of is still shown.
process.removeAllListeners("warning");
process.on("warning", (warning) => {
  if (!/SQLite/.test(warning.message)) console.error(`${warning.name}: ${warning.message}`);
});

// The first signal ends what runs in order, with nothing left behind; the second ends the process.
const stop = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => stop.abort());
// Nobody reads any more, as in `skillwright list | head -1`.
process.stdout.on("error", () => stop.abort());

// A folder of this user's: code that is compiled is not read from where others may write. Deno has a cache of its own.
module.enableCompileCache?.(join(defaultCacheDir(process.env), "node"));
const [{ main }, { processTerminal }] = await Promise.all([import("./main.ts"), import("./terminal.ts")]);

process.exitCode = await main(process.argv.slice(2), processTerminal(stop.signal));
// On Deno a read of standard input that still waits would keep the process.
if (stop.signal.aborted) process.exit();
