#!/usr/bin/env -S node --disable-warning=ExperimentalWarning
import process from "node:process";
import { main } from "./main.ts";
import { processTerminal } from "./terminal.ts";

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

process.exitCode = await main(process.argv.slice(2), processTerminal(stop.signal));
// On Deno a read of standard input that still waits would keep the process.
if (stop.signal.aborted) process.exit();
