// Removes build output: `node scripts/clean.ts dist`.
import { rmSync } from "node:fs";
import process from "node:process";

for (const folder of process.argv.slice(2)) rmSync(folder, { recursive: true, force: true });
