#!/usr/bin/env -S node --disable-warning=ExperimentalWarning
import process from "node:process";
import { main } from "./main.ts";
import { processTerminal } from "./terminal.ts";

process.exitCode = await main(process.argv.slice(2), processTerminal());
