// Every test file gets its own home for user settings and caches, so that a test can neither read nor change the user's.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { afterAll } from "vitest";

const userHome = mkdtempSync(join(tmpdir(), "skillwright-user-"));
process.env["XDG_CONFIG_HOME"] = join(userHome, "config");
process.env["XDG_CACHE_HOME"] ??= join(userHome, "cache");
delete process.env["SKILLWRIGHT_DIR"];
afterAll(() => rmSync(userHome, { recursive: true, force: true }));
