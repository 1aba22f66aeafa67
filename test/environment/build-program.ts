// Builds an environment and says by a file when packages are being installed: a host to be killed.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { createEnvironments } from "../../src/environment/create-environments.ts";

const { stage = "", cacheDir = "", uv = "", backend = "auto" } = JSON.parse(process.argv[2] ?? "{}") as {
  readonly stage?: string;
  readonly cacheDir?: string;
  readonly uv?: string;
  readonly backend?: "auto" | "landlock" | "bubblewrap";
};
const environments = createEnvironments({ cacheDir, uv, backend });
await environments.build(stage, { dependencies: ["httpx"], isolation: "venv" }, {
  onLog: (line) => line.startsWith("installing") && writeFileSync(join(cacheDir, "installing"), ""),
});
