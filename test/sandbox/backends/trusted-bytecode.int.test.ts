import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { keepBytecode } from "../../../src/sandbox/backends/trusted-bytecode.ts";
import { findCanaryPython } from "../../../src/sandbox/canary/canary-python.ts";
import { pythonFiles } from "../../../src/sandbox/files/python-files.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "skillwright-bytecode-"));
  cpSync(pythonFiles().dir, dir, { recursive: true, filter: (path) => !path.endsWith("__pycache__") });
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const files = () => ({ dir, boot: join(dir, "boot.py") });
const compiled = () => readdirSync(join(dir, "__pycache__"));
const times = () => compiled().map((name) => statSync(join(dir, "__pycache__", name)).mtimeMs);

describe("keepBytecode", () => {
  it("compiles every file once, and again when one has changed", async () => {
    const python = await findCanaryPython();
    await keepBytecode(python, files());
    expect(compiled().map((name) => name.split(".")[0])).toContain("serve");
    const before = times();
    await keepBytecode(python, files());
    expect(times()).toEqual(before);
    writeFileSync(join(dir, "added.py"), "x = 1\n");
    await keepBytecode(python, files());
    expect(compiled().map((name) => name.split(".")[0])).toContain("added");
  });

  it("leaves everything as it is when Python does not run or the folder is gone", async () => {
    await keepBytecode({ path: join(dir, "python3.11"), roots: [] }, files());
    expect(existsSync(join(dir, "__pycache__"))).toBe(false);
    rmSync(dir, { recursive: true });
    await keepBytecode(await findCanaryPython(), files());
    expect(existsSync(dir)).toBe(false);
    mkdirSync(dir);
  });
});
