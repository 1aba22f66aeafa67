// Every test file gets its own home for user settings, so that a test can neither read nor change the user's.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { afterAll, vi } from "vitest";

const before = { ...process.env };
const userHome = mkdtempSync(join(tmpdir(), "skillwright-user-"));
process.env["XDG_CONFIG_HOME"] = join(userHome, "config");
delete process.env["SKILLWRIGHT_DIR"];

// The next file runs in the same process: it finds the variables as this one found them.
afterAll(() => {
  vi.unstubAllEnvs();
  for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
  Object.assign(process.env, before);
  rmSync(userHome, { recursive: true, force: true });
});
