// Runs the whole suite with everything that is sampled in `npm test` tried thoroughly. Arguments go to vitest.
import { spawnSync } from "node:child_process";
import process from "node:process";

const args = ["node_modules/vitest/vitest.mjs", "run", "--testTimeout=1800000", ...process.argv.slice(2)];
const env = { ...process.env, SKILLWRIGHT_TORTURE: "1" };
process.exitCode = spawnSync(process.execPath, args, { stdio: "inherit", env }).status ?? 1;
