// Builds an environment and says by a file when packages are being installed: a host to be killed.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { createEnvironments } from "../../src/environment/create-environments.ts";

const { stage, cacheDir, uv, bwrapPath } = JSON.parse(process.argv[2] ?? "{}") as Record<string, string>;
const sandbox = bwrapPath === undefined ? {} : { bwrapPath };
const environments = createEnvironments({ cacheDir: cacheDir ?? "", uv: uv ?? "", ...sandbox });
await environments.build(stage ?? "", { dependencies: ["httpx"], isolation: "venv" }, {
  onLog: (line) => line.startsWith("installing") && writeFileSync(join(cacheDir ?? "", "installing"), ""),
});
