#!/usr/bin/env node
import process from "node:process";
import { main } from "./main.ts";
import { processTerminal } from "./terminal.ts";

// The first signal ends what runs in order, with nothing left behind; the second ends the process.
const stop = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => stop.abort());
// Nobody reads any more, as in `skillwright list | head -1`.
process.stdout.on("error", () => stop.abort());

process.exitCode = await main(process.argv.slice(2), processTerminal(stop.signal));
